"""How much pictures of one request differ by their seeds, beside true pictures of one person.

    python benchmarks/variety.py [FOLDER]

Twelve synthetic subjects and, with FOLDER (a London-set folder), its test people perform three
movements with a palsy, five seeds each. The spread is the standard deviation over the seeds,
averaged over the face, in grey levels; the asymmetry's is in per cent of the outer-eye distance.
True pictures show the same subject and palsy with the effort and light of the benchmark sets, in
one pose. The side is measured from landmarks, so it tells whether variety costs the label. The
figures are in docs/measurements.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from identity import embedding
from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.face.detect import detect_faces, read_face
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.face.measures import measure
from palsynth.face.photographs import read_subjects
from palsynth.face.regions import region_mask
from palsynth.generation.measured import requested_and_measured
from palsynth.generation.runner import generate
from palsynth.generation.variety import Variety
from palsynth.methods import Method, Request, TargetExpression, get_method
from palsynth.methods.resolve import identity_face, view_of
from palsynth.subjects import EVALUATION_SEEDS, Scene, Subject, random_scene, sample

SIZE, SEEDS = 224, 5
SUBJECTS_FROM = EVALUATION_SEEDS + 90_000
MOVEMENTS = (Movement.GRIN, Movement.CLOSE_EYES_TIGHTLY, Movement.WRINKLE_FOREHEAD)
NONE = Variety(effort=0, folds=0, light=0)
VARIETIES = {
    "as it is": None,
    "one sample": NONE,
    "+ effort": replace(NONE, effort=Variety().effort),
    "+ folds": replace(NONE, folds=Variety().folds),
    "+ light": replace(NONE, light=Variety().light),
    "all": Variety(),
}


@dataclass(frozen=True)
class Spread:
    """Figures of one request over its seeds."""

    grey: float
    asymmetry: float
    right: float
    distance: float


def spread(requests: list[Request], method: Method, variety: Variety | None) -> Spread:
    identity = requests[0].identity
    target = requests[0].expression
    assert isinstance(target, TargetExpression)
    rest = identity_face(identity, view_of(requests[0]))
    if isinstance(identity, Face):
        rest = rest.aligned(PORTRAIT, SIZE)
    images = [picture.image for picture in generate(method, requests, variety=variety)]
    mask = region_mask(rest.landmarks, "face", rest.image.shape)
    grey = np.std([image.astype(float) for image in images], axis=0)[mask].mean()
    still = measure(rest.landmarks)
    rows = [requested_and_measured(i, target.movement, target.palsy, still) for i in images]
    asymmetry = [row.asymmetry for row in rows if row.asymmetry is not None]
    own = embedding(rest.image, rest.landmarks)
    faces = [face for image in images for face in detect_faces(image)[:1]]
    distances = [np.linalg.norm(own - embedding(f.image, f.landmarks)) for f in faces]
    return Spread(
        float(grey),
        float(np.std(asymmetry)),
        float(np.mean([row.measured_side is target.palsy.weak_side for row in rows])),
        float(np.mean(distances)),
    )


def targets(number: int) -> Iterator[TargetExpression]:
    for k, movement in enumerate(MOVEMENTS):
        side = (Side.LEFT, Side.RIGHT)[(number + k) % 2]
        yield TargetExpression(movement, Palsy.peripheral(side, (Grade.IV, Grade.V)[number % 2]))


def seeded(identity: Subject | Face, target: TargetExpression, number: int) -> list[Request]:
    first = 1000 * number
    seeds = range(first, first + SEEDS)
    return [Request(identity, target, seed, SIZE, PORTRAIT) for seed in seeds]


def true_pictures(requests: list[Request]) -> list[Request]:
    """The same subject and palsy with the effort and light of the benchmark sets."""
    out = []
    for request in requests:
        rng = np.random.default_rng([91, request.seed])
        assert isinstance(request.expression, TargetExpression)
        tried = replace(request.expression, intensity=float(rng.uniform(0.8, 1.1)))
        scene = Scene(light=random_scene(rng).light)
        out.append(replace(request, expression=tried, scene=scene))
    return out


def line(name: str, found: list[Spread]) -> str:
    values = [[s.grey, s.asymmetry, 100 * s.right, s.distance] for s in found]
    grey, asymmetry, right, distance = np.mean(values, axis=0)
    return f"| {name} | {grey:.2f} | {asymmetry:.2f} | {right:.0f} % | {distance:.2f} |"


def table(title: str, identities: dict[str, Subject | Face], groups: dict[str, str]) -> None:
    print(f"\n{title}\n")
    print("| pictures | spread of the face | of the asymmetry | side accuracy | dlib distance |")
    print("|---|---|---|---|---|", flush=True)
    sets = [
        (name, seeded(identity, target, 10 * n + k))
        for n, (name, identity) in enumerate(identities.items())
        for k, target in enumerate(targets(n))
    ]
    if any(isinstance(identity, Subject) for identity in identities.values()):
        method = get_method("subjects")
        print(line("true pictures", [spread(true_pictures(r), method, None) for _, r in sets]))
    for name in ("captured", "cfcpalsy"):
        method = get_method(name)
        for what, variety in VARIETIES.items():
            if name == "captured" and variety in (None, NONE):
                continue  # nothing in it is random
            found = [spread(requests, method, variety) for _, requests in sets]
            print(line(f"{name}, {what}", found), flush=True)
            if what == "all":
                for group in sorted(set(groups.values())):
                    part = [s for s, (n, _) in zip(found, sets, strict=True) if groups[n] == group]
                    print(line(f"- {group}", part), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    options = parser.parse_args()
    subjects = [sample(SUBJECTS_FROM + k) for k in range(12)]
    tones = {s.name: f"Monk {s.monk}, {s.gender}" for s in subjects}
    table("Synthetic subjects", {s.name: s for s in subjects}, tones)
    if options.folder is not None:
        people = read_subjects(options.folder, "test")
        faces = {p.name: read_face(p.path("neutral")).aligned(PORTRAIT, SIZE) for p in people}
        groups = {p.name: f"{p.ethnicity}, {p.gender}" for p in people}
        table("Photographed test people", faces, groups)


if __name__ == "__main__":
    main()
