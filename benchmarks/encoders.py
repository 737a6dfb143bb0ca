"""The three encoders and the judge, on people and photographs that they never saw.

    python benchmarks/encoders.py [--photographs FOLDER] [--identity PATH] [--expression PATH]
        [--landmarks PATH] [--judge PATH]

FOLDER is a London-set folder; its test people are used. Paths are folders of weights, and
ours where nothing is said. Figures are those of docs/measurements.md.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import numpy as np
import torch

from identity import embedding
from palsynth.clinical import YANAGIHARA, Movement, Palsy, Side
from palsynth.data.augment import Augmentation
from palsynth.data.examples import MOVEMENTS, Example, labels, stack
from palsynth.encoders.base import as_images, upright_crop
from palsynth.encoders.features import features_of
from palsynth.encoders.load import (
    expression_encoder,
    expression_head,
    identity_encoder,
    judge,
    landmark_encoder,
)
from palsynth.encoders.reading import truth
from palsynth.encoders.shipped import load_ours
from palsynth.evaluation.recognition import auc, cosines, tar_at_far, top1, verification
from palsynth.face import topology
from palsynth.face.detect import read_face
from palsynth.face.framing import RECOGNISER
from palsynth.subjects import EVALUATION_SEEDS, random_palsy, random_view, render, sample

PEOPLE = 200


def pictures(first: int, people: int, each: int, rng: np.random.Generator) -> list[Example]:
    """A neutral healthy picture of each person, then ``each`` of movements and palsies."""
    out = []
    for k in range(people):
        subject = sample(first + k)
        for j in range(each + 1):
            movement = YANAGIHARA[(k + j) % 10] if j else Movement.REST
            side = Side.LEFT if rng.random() < 0.5 else Side.RIGHT
            palsy = random_palsy(rng, side, healthy=0.15) if j else Palsy.none()
            view = random_view(rng, 112, RECOGNISER)
            drawn = render(subject, movement, palsy, view=view)
            out.append(Example(drawn.image, k, points=drawn.landmarks, **labels(movement, palsy)))
    return out


@torch.no_grad()
def features(network: torch.nn.Module, images: np.ndarray) -> np.ndarray:
    parts = torch.from_numpy(images).split(64)
    return np.concatenate([network(as_images(p)).vector.numpy() for p in parts])


def recognition(name: str, gallery: np.ndarray, probe: np.ndarray, who: np.ndarray) -> None:
    """Row of figures; ``gallery`` one feature a person, ``probe`` features of ``who``."""
    similarity = cosines(probe, gallery)
    same, other = verification(similarity, who, np.arange(len(gallery)))
    print(
        f"| {name} | {top1(similarity, who, np.arange(len(gallery))):.1%} | "
        f"{auc(same, other):.4f} | {tar_at_far(same, other):.1%} |"
    )


def dlib_row(name: str, gallery: np.ndarray, probe: np.ndarray, who: np.ndarray) -> None:
    """The same row for dlib, which compares by distance."""
    distance = np.linalg.norm(probe[:, None] - gallery[None], axis=-1)
    same, other = verification(-distance, who, np.arange(len(gallery)))
    print(
        f"| {name} | {top1(-distance, who, np.arange(len(gallery))):.1%} | "
        f"{auc(same, other):.4f} | {tar_at_far(same, other):.1%} |"
    )


def on_backdrops(examples: list[Example], seed: int) -> list[Example]:
    """The same pictures with everything but the face painted over, each in its own colours."""
    paint = Augmentation(0, 0, 0, 0, 0, 0, 0, 0, mirror=0, backdrop=1.0)
    return [paint(e, np.random.default_rng([seed, k])) for k, e in enumerate(examples)]


def identity_table(title: str, gallery: list[Example], probe: list[Example],
                   encoder: torch.nn.Module) -> None:  # fmt: skip
    """Ours and dlib, on pictures as they are and with their surroundings painted over."""
    who = np.array([e.subject for e in probe])
    print(f"\n{title}\n| recogniser | top-1 | AUC | TAR at FAR 1 % |\n|---|---|---|---|")
    for place, change in (("", lambda e, _: e), (", other surroundings", on_backdrops)):
        pair = [change(gallery, 1), change(probe, 2)]
        recognition(f"ours{place}", *(features(encoder, stack(e)["image"]) for e in pair), who)
        vectors = [np.array([embedding(e.image, e.points) for e in part]) for part in pair]
        dlib_row(f"dlib{place}", *vectors, who)


def photographed(folder: Path) -> tuple[list[Example], list[Example]]:
    """Neutral and smiling crops of the test people."""
    faces = test_faces(folder)
    crops = {k: [upright_crop(f) for f in v] for k, v in faces.items()}
    neutral, smiling = (
        [Example(c.image, k, points=c.landmarks[:, :2]) for k, c in enumerate(part)]
        for part in crops.values()
    )
    return neutral, smiling


def test_faces(folder: Path) -> dict[str, list]:
    with (folder / "split.csv").open() as file:
        names = [row["face_id"] for row in csv.DictReader(file) if row["split"] == "test"]
    return {k: [read_face(folder / k / f"{n}.jpg") for n in names] for k in ("neutral", "smiling")}


def expression_figures(name: str, reading, true, weak: np.ndarray) -> None:  # type: ignore[no-untyped-def]
    """Movement over all; side where one side is weak enough to be seen; weakness over all."""
    movement = (reading.movement.argmax(1) == true.movement).float().mean()
    side = (reading.side.argmax(1) == true.side).numpy()[weak].mean()
    weakness = (reading.weakness - true.weakness).abs().mean()
    print(f"| {name} | {movement:.1%} | {side:.1%} | {weakness:.3f} |")


def expression_table(options: argparse.Namespace, examples: list[Example], each: int) -> None:
    """The head on the expression feature, the judge, and what the feature keeps of identity."""
    encoder = expression_encoder(options.expression, options.identity)
    tests = {n: torch.from_numpy(a) for n, a in stack(examples).items()}
    y = torch.from_numpy(features(encoder, stack(examples)["image"]))
    true = truth(tests)
    seen = true.weakness.max(1).values.numpy() > 0.3
    with torch.no_grad():
        reading = expression_head(options.expression)(y)
        network = judge(options.judge)
        judged = [network(as_images(p)) for p in tests["image"].split(64)]
        judged = type(judged[0])(*(torch.cat(part) for part in zip(*judged, strict=True)))
    print(f"\n{len(examples)} pictures; side where weakness in the movement exceeds 0.3")
    print("| reader | movement | side | weakness, mean error |\n|---|---|---|---|")
    expression_figures("E_Face - E_ID, its linear head", reading, true, seen)
    told = features_of(list(stack(examples)["image"]), [None] * len(examples))
    with torch.no_grad():
        read = load_ours("reader")(
            *(torch.from_numpy(told[n].copy()) for n in ("vector", "points"))
        )
    expression_figures("the reader: that feature and landmarks", read, true, seen)
    expression_figures("the judge", judged, true, seen)
    confused = torch.zeros(len(MOVEMENTS), len(MOVEMENTS), dtype=torch.int)
    for t, r in zip(true.movement, judged.movement.argmax(1), strict=True):
        confused[t, r] += 1
    worst = [(MOVEMENTS[i].value, int(confused[i, i]), int(confused[i].sum()))
             for i in range(len(MOVEMENTS)) if confused[i].sum()]  # fmt: skip
    print("judge by movement:", ", ".join(f"{n} {a}/{b}" for n, a, b in worst))

    who = np.array([e.subject for e in examples])
    neutral = np.arange(0, len(examples), each + 1)
    moved = np.setdiff1d(np.arange(len(examples)), neutral)
    print("\nwhat is left of identity: neutral against moved")
    print("| feature | top-1 | AUC | TAR at FAR 1 % |\n|---|---|---|---|")
    vectors = features(encoder.identity, stack(examples)["image"])
    recognition("E_ID", vectors[neutral], vectors[moved], who[moved])
    recognition("E_Face - E_ID", y.numpy()[neutral], y.numpy()[moved], who[moved])
    like = cosines(y.numpy(), y.numpy()) - 2 * np.eye(len(y))
    nearest = like.argmax(1)
    print(f"nearest of all other pictures is the same person: "
          f"{(who[nearest] == who).mean():.1%} (E_Face - E_ID), ", end="")  # fmt: skip
    like = cosines(vectors, vectors) - 2 * np.eye(len(y))
    print(f"{(who[like.argmax(1)] == who).mean():.1%} (E_ID)")


@torch.no_grad()
def landmark_table(options: argparse.Namespace, examples: list[Example]) -> None:
    net = landmark_encoder(options.landmarks)
    data = stack(examples)
    parts = torch.from_numpy(data["image"]).split(64)
    found = np.concatenate([net(as_images(p)).points.numpy() for p in parts]) * 112 - 0.5
    eyes = [topology.OUTER_CANTHUS[s] for s in ("left", "right")]
    apart = np.linalg.norm(
        data["points"][:, eyes[0]] - data["points"][:, eyes[1]], axis=-1, keepdims=True
    )
    far = np.linalg.norm(found - data["points"], axis=-1)
    print("\n| landmarks | mean error, px at 112 | of the outer-eye distance |\n|---|---|---|")
    print(f"| {len(examples)} pictures of people, against truth | {far.mean():.2f} | "
          f"{(far / apart).mean():.2%} |")  # fmt: skip
    if options.photographs:
        crops = [upright_crop(f) for v in test_faces(options.photographs).values() for f in v]
        images = torch.from_numpy(np.stack([c.image for c in crops]))
        found = net(as_images(images)).points.numpy() * 112 - 0.5
        true = np.stack([c.landmarks[:, :2] for c in crops])
        apart = np.array([[c.outer_eyes] for c in crops])
        far = np.linalg.norm(found - true, axis=-1)
        print(f"| {len(crops)} test photographs, against MediaPipe | {far.mean():.2f} | "
              f"{(far / apart).mean():.2%} |")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("photographs", "identity", "expression", "landmarks", "judge"):
        parser.add_argument(f"--{name}", type=Path, default=None)
    parser.add_argument("--only", nargs="*", default=["identity", "expression", "landmarks"])
    options = parser.parse_args()
    each = 5
    began = time.perf_counter()
    examples = pictures(EVALUATION_SEEDS, PEOPLE, each, np.random.default_rng(3))
    print(f"drew {len(examples)} pictures in {time.perf_counter() - began:.0f} s")
    if "identity" in options.only:
        encoder = identity_encoder(options.identity)
        neutral = examples[:: each + 1]
        moved = [e for k, e in enumerate(examples) if k % (each + 1)]
        title = f"{PEOPLE} people, neutral against {len(moved)} moved and palsied"
        identity_table(title, neutral, moved, encoder)
        if options.photographs:
            neutral, smiling = photographed(options.photographs)
            title = f"{len(neutral)} photographed test people, neutral against smiling"
            identity_table(title, neutral, smiling, encoder)
    if "expression" in options.only:
        expression_table(options, examples, each)
    if "landmarks" in options.only:
        landmark_table(options, examples)


if __name__ == "__main__":
    main()
