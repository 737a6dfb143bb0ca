"""The three encoders and the judge, on subjects and photographs that they were not trained on.

    python benchmarks/encoders.py [--photographs FOLDER] [--identity PATH] [--expression PATH]
        [--landmarks PATH] [--judge PATH]

FOLDER is a London-set folder; its test people are used. Paths are folders of weights; default: the
weights that ship. The figures are in docs/measurements.md.
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
from palsynth.encoders.features import extract_features
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

SUBJECTS = 200


def rendered(first: int, num_subjects: int, moved: int, rng: np.random.Generator) -> list[Example]:
    """For each subject a neutral healthy picture, then ``moved`` of movements with palsies."""
    out = []
    for k in range(num_subjects):
        subject = sample(first + k)
        for j in range(moved + 1):
            movement = YANAGIHARA[(k + j) % 10] if j else Movement.REST
            side = Side.LEFT if rng.random() < 0.5 else Side.RIGHT
            palsy = random_palsy(rng, side, healthy=0.15) if j else Palsy.none()
            view = random_view(rng, 112, RECOGNISER)
            portrait = render(subject, movement, palsy, view=view)
            out.append(
                Example(portrait.image, k, points=portrait.landmarks, **labels(movement, palsy))
            )
    return out


@torch.no_grad()
def features(network: torch.nn.Module, images: np.ndarray) -> np.ndarray:
    parts = torch.from_numpy(images).split(64)
    return np.concatenate([network(as_images(p)).vector.numpy() for p in parts])


def recognition(name: str, gallery: np.ndarray, probe: np.ndarray, labels: np.ndarray) -> None:
    """Prints a row; ``gallery``: one feature per subject; ``probe``: features of ``labels``."""
    similarity = cosines(probe, gallery)
    same, other = verification(similarity, labels, np.arange(len(gallery)))
    print(
        f"| {name} | {top1(similarity, labels, np.arange(len(gallery))):.1%} | "
        f"{auc(same, other):.4f} | {tar_at_far(same, other):.1%} |"
    )


def dlib_row(name: str, gallery: np.ndarray, probe: np.ndarray, labels: np.ndarray) -> None:
    """The same row for dlib, which compares by distance."""
    distance = np.linalg.norm(probe[:, None] - gallery[None], axis=-1)
    same, other = verification(-distance, labels, np.arange(len(gallery)))
    print(
        f"| {name} | {top1(-distance, labels, np.arange(len(gallery))):.1%} | "
        f"{auc(same, other):.4f} | {tar_at_far(same, other):.1%} |"
    )


def on_backdrops(examples: list[Example], seed: int) -> list[Example]:
    """The same pictures with the background painted over, each in other colours."""
    paint = Augmentation(0, 0, 0, 0, 0, 0, 0, 0, mirror=0, backdrop=1.0)
    return [paint(e, np.random.default_rng([seed, k])) for k, e in enumerate(examples)]


def identity_table(
    title: str, gallery: list[Example], probe: list[Example], encoder: torch.nn.Module
) -> None:
    """Ours and dlib, on pictures as they are and with the background painted over."""
    labels = np.array([e.subject for e in probe])
    print(f"\n{title}\n| recogniser | top-1 | AUC | TAR at FAR 1 % |\n|---|---|---|---|")
    for suffix, change in (("", lambda e, _: e), (", other background", on_backdrops)):
        pair = [change(gallery, 1), change(probe, 2)]
        recognition(f"ours{suffix}", *(features(encoder, stack(e)["image"]) for e in pair), labels)
        vectors = [np.array([embedding(e.image, e.points) for e in part]) for part in pair]
        dlib_row(f"dlib{suffix}", *vectors, labels)


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
    """Prints a row: movement, side (on the ``weak`` pictures) and weakness."""
    movement = (reading.movement.argmax(1) == true.movement).float().mean()
    side = (reading.side.argmax(1) == true.side).numpy()[weak].mean()
    weakness = (reading.weakness - true.weakness).abs().mean()
    print(f"| {name} | {movement:.1%} | {side:.1%} | {weakness:.3f} |")


def expression_table(options: argparse.Namespace, examples: list[Example], moved_each: int) -> None:
    """The head on the expression feature, the judge, and how much identity the feature contains."""
    encoder = expression_encoder(options.expression, options.identity)
    tests = {n: torch.from_numpy(a) for n, a in stack(examples).items()}
    y = torch.from_numpy(features(encoder, stack(examples)["image"]))
    true = truth(tests)
    weak = true.weakness.max(1).values.numpy() > 0.3
    with torch.no_grad():
        reading = expression_head(options.expression)(y)
        network = judge(options.judge)
        judged = [network(as_images(p)) for p in tests["image"].split(64)]
        judged = type(judged[0])(*(torch.cat(part) for part in zip(*judged, strict=True)))
    print(f"\n{len(examples)} pictures; side where weakness in the movement exceeds 0.3")
    print("| reader | movement | side | weakness, mean error |\n|---|---|---|---|")
    expression_figures("E_Face - E_ID, its linear head", reading, true, weak)
    inputs = extract_features(list(stack(examples)["image"]), [None] * len(examples))
    with torch.no_grad():
        read = load_ours("reader")(
            *(torch.from_numpy(inputs[n].copy()) for n in ("vector", "points"))
        )
    expression_figures("the reader: that feature and landmarks", read, true, weak)
    expression_figures("the judge", judged, true, weak)
    confusion = torch.zeros(len(MOVEMENTS), len(MOVEMENTS), dtype=torch.int)
    for t, r in zip(true.movement, judged.movement.argmax(1), strict=True):
        confusion[t, r] += 1
    correct = [
        (MOVEMENTS[i].value, int(confusion[i, i]), int(confusion[i].sum()))
        for i in range(len(MOVEMENTS))
        if confusion[i].sum()
    ]
    print("judge by movement:", ", ".join(f"{n} {a}/{b}" for n, a, b in correct))

    labels = np.array([e.subject for e in examples])
    neutral = np.arange(0, len(examples), moved_each + 1)
    moved = np.setdiff1d(np.arange(len(examples)), neutral)
    print("\nremaining identity: neutral against moved")
    print("| feature | top-1 | AUC | TAR at FAR 1 % |\n|---|---|---|---|")
    vectors = features(encoder.identity, stack(examples)["image"])
    recognition("E_ID", vectors[neutral], vectors[moved], labels[moved])
    recognition("E_Face - E_ID", y.numpy()[neutral], y.numpy()[moved], labels[moved])
    similarity = cosines(y.numpy(), y.numpy()) - 2 * np.eye(len(y))
    nearest = similarity.argmax(1)
    print(
        "the nearest other picture shows the same subject: "
        f"{(labels[nearest] == labels).mean():.1%} (E_Face - E_ID), ",
        end="",
    )
    similarity = cosines(vectors, vectors) - 2 * np.eye(len(y))
    print(f"{(labels[similarity.argmax(1)] == labels).mean():.1%} (E_ID)")


@torch.no_grad()
def landmark_table(options: argparse.Namespace, examples: list[Example]) -> None:
    net = landmark_encoder(options.landmarks)
    data = stack(examples)
    parts = torch.from_numpy(data["image"]).split(64)
    found = np.concatenate([net(as_images(p)).points.numpy() for p in parts]) * 112 - 0.5
    eyes = [topology.OUTER_CANTHUS[s] for s in ("left", "right")]
    eye_distance = np.linalg.norm(
        data["points"][:, eyes[0]] - data["points"][:, eyes[1]], axis=-1, keepdims=True
    )
    error = np.linalg.norm(found - data["points"], axis=-1)
    print("\n| landmarks | mean error, px at 112 | of the outer-eye distance |\n|---|---|---|")
    print(
        f"| {len(examples)} pictures of subjects, against truth | {error.mean():.2f} | "
        f"{(error / eye_distance).mean():.2%} |"
    )
    if options.photographs:
        crops = [upright_crop(f) for v in test_faces(options.photographs).values() for f in v]
        images = torch.from_numpy(np.stack([c.image for c in crops]))
        found = net(as_images(images)).points.numpy() * 112 - 0.5
        true = np.stack([c.landmarks[:, :2] for c in crops])
        eye_distance = np.array([[c.outer_eyes] for c in crops])
        error = np.linalg.norm(found - true, axis=-1)
        print(
            f"| {len(crops)} test photographs, against MediaPipe | {error.mean():.2f} | "
            f"{(error / eye_distance).mean():.2%} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("photographs", "identity", "expression", "landmarks", "judge"):
        parser.add_argument(f"--{name}", type=Path, default=None)
    parser.add_argument("--only", nargs="*", default=["identity", "expression", "landmarks"])
    options = parser.parse_args()
    each = 5
    start = time.perf_counter()
    examples = rendered(EVALUATION_SEEDS, SUBJECTS, each, np.random.default_rng(3))
    print(f"rendered {len(examples)} pictures in {time.perf_counter() - start:.0f} s")
    if "identity" in options.only:
        encoder = identity_encoder(options.identity)
        neutral = examples[:: each + 1]
        moved = [e for k, e in enumerate(examples) if k % (each + 1)]
        title = f"{SUBJECTS} subjects, neutral against {len(moved)} moved with a palsy"
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
