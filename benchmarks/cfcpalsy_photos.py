"""CFCPalsy on real photos: is it still them, is the weak side the asked one?

    python benchmarks/cfcpalsy_photos.py FOLDER [--sheets OUT]

FOLDER is a London-set folder; its test people, whom nothing trained on, do ten movements with a
palsy each, told by pictures of people who do not exist. Figures are those of docs/measurements.md.
OUT takes a contact sheet a person, of real people: do not publish it.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from identity import embedding
from palsynth.clinical import YANAGIHARA, Side
from palsynth.evaluation.intervals import bootstrap
from palsynth.evaluation.requested import REGIONS, rank_agreement, requested_measures
from palsynth.face.detect import detect_faces, read_face
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.face.images import NOT_MADE, write_png
from palsynth.methods import ExpressionImage, Request, TargetExpression, get_method
from palsynth.methods.resolve import subject_face
from palsynth.subjects import EVALUATION_SEEDS, View, random_palsy, sample

SIZE = 256
PATIENTS_FROM = EVALUATION_SEEDS + 60_000


def wishes(number: int) -> list[TargetExpression]:
    rng = np.random.default_rng([77, number])
    sides = (Side.LEFT, Side.RIGHT)
    return [TargetExpression(m, random_palsy(rng, sides[int(rng.integers(2))])) for m in YANAGIHARA]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sheets", type=Path)
    parser.add_argument("--weights", type=Path)
    options = parser.parse_args()
    with (options.folder / "split.csv").open() as file:
        names = [row["face_id"] for row in csv.DictReader(file) if row["split"] == "test"]
    faces = {
        name: read_face(options.folder / "neutral" / f"{name}.jpg").aligned(PORTRAIT, SIZE)
        for name in names
    }
    gallery = np.stack([embedding(f.image, f.landmarks) for f in faces.values()])
    print("| method | re-identified | dlib distance | side right | brow | eye | mouth |")
    print("|---|---|---|---|---|---|---|")
    methods = {"cfcpalsy, told by a picture": (get_method("cfcpalsy", options.weights), True),
               "cfcpalsy, told in words": (get_method("cfcpalsy", options.weights), False),
               "simulator, told in words": (get_method("simulator"), False)}  # fmt: skip
    for title, (method, by_picture) in methods.items():
        requested, shown, who, rest = [], [], [], []
        for number, (name, face) in enumerate(faces.items()):
            wanted = wishes(number)
            conditioning = [_told(a, number, k) if by_picture else a for k, a in enumerate(wanted)]
            made = method([Request(face, e, k, framing=None) for k, e in enumerate(conditioning)])
            if options.sheets is not None and by_picture:
                _sheet(options.sheets / f"{name}.png", face, conditioning, made)
            requested += [(a.movement, a.palsy) for a in wanted]
            shown += made
            who += [number] * len(made)
            rest += [face.landmarks] * len(made)
        print(f"| {title} | {_row(requested, shown, np.array(who), rest, gallery)} |")


def _told(requested: TargetExpression, number: int, k: int) -> ExpressionImage:
    return ExpressionImage(subject_face(sample(PATIENTS_FROM + number), requested, View(SIZE)))


def _row(requested: list, made: list, who: np.ndarray, rest: list, gallery: np.ndarray) -> str:
    found = [detect_faces(image) for image in made]
    vectors = np.stack([
        embedding(image, f[0].landmarks) if f else np.full(128, np.nan)
        for image, f in zip(made, found, strict=True)
    ])  # fmt: skip
    apart = np.linalg.norm(vectors[:, None] - gallery, axis=-1)
    top1 = np.where(np.isnan(apart), np.inf, apart).argmin(1) == who
    own = apart[np.arange(len(who)), who]
    drop_conditions = np.full_like(rest[0], np.nan)
    points = np.stack([f[0].landmarks if f else drop_conditions for f in found])
    conditioning = requested_measures(requested, points, np.stack(rest))
    clear = conditioning.clear()
    side = conditioning.side_accuracy()[clear].astype(float)
    cells = [
        bootstrap(100.0 * top1, groups=who).text(1),
        bootstrap(own[~np.isnan(own)], groups=who[~np.isnan(own)]).text(3),
        f"{bootstrap(100 * side, groups=who[clear]).text(1)} of {len(side)}",
    ]
    movement = np.array([m.value for m, _ in requested])
    cells += [
        f"{rank_agreement(conditioning.region, movement, conditioning.requested, conditioning.measured, which):.3f}"
        for which in REGIONS
    ]
    return " | ".join(cells)


def _sheet(path: Path, face: Face, conditioning: list, made: list[np.ndarray]) -> None:
    patients = [t.face.image for t in conditioning]
    lines = [[face.image, *row[:5]] for row in (patients, made)]
    lines += [[face.image, *row[5:]] for row in (patients, made)]
    write_png(path, np.vstack([np.hstack(line) for line in lines]), **NOT_MADE)


if __name__ == "__main__":
    main()
