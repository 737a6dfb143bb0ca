"""CFCPalsy on real photos: is the identity preserved, and is the requested side weak?

    python benchmarks/cfcpalsy_photos.py FOLDER [--sheets OUT]

FOLDER is a London-set folder. Its test people, on whom nothing was trained, perform ten movements
with a palsy each; the expression images show synthetic subjects. The figures are in
docs/measurements.md. OUT takes one contact sheet per person; they show real people, so do not
publish them.
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


def targets(number: int) -> list[TargetExpression]:
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
    print("| method | re-identified | dlib distance | side accuracy | brow | eye | mouth |")
    print("|---|---|---|---|---|---|---|")
    methods = {
        "cfcpalsy, expression image": (get_method("cfcpalsy", options.weights), True),
        "cfcpalsy, requested palsy": (get_method("cfcpalsy", options.weights), False),
        "simulator, requested palsy": (get_method("simulator"), False),
    }
    for title, (method, by_picture) in methods.items():
        requested, images, labels, rest = [], [], [], []
        for number, (name, face) in enumerate(faces.items()):
            wanted = targets(number)
            expressions = [_expression_image(t, number) if by_picture else t for t in wanted]
            made = method([Request(face, e, k, framing=None) for k, e in enumerate(expressions)])
            if options.sheets is not None and by_picture:
                _sheet(options.sheets / f"{name}.png", face, expressions, made)
            requested += [(t.movement, t.palsy) for t in wanted]
            images += made
            labels += [number] * len(made)
            rest += [face.landmarks] * len(made)
        print(f"| {title} | {_row(requested, images, np.array(labels), rest, gallery)} |")


def _expression_image(target: TargetExpression, number: int) -> ExpressionImage:
    return ExpressionImage(subject_face(sample(PATIENTS_FROM + number), target, View(SIZE)))


def _row(requested: list, images: list, labels: np.ndarray, rest: list, gallery: np.ndarray) -> str:
    faces = [detect_faces(image) for image in images]
    vectors = np.stack(
        [
            embedding(image, f[0].landmarks) if f else np.full(128, np.nan)
            for image, f in zip(images, faces, strict=True)
        ]
    )
    distance = np.linalg.norm(vectors[:, None] - gallery, axis=-1)
    top1 = np.where(np.isnan(distance), np.inf, distance).argmin(1) == labels
    own = distance[np.arange(len(labels)), labels]
    missing = np.full_like(rest[0], np.nan)
    points = np.stack([f[0].landmarks if f else missing for f in faces])
    measures = requested_measures(requested, points, np.stack(rest))
    clear = measures.clear()
    side = measures.side_accuracy()[clear].astype(float)
    cells = [
        bootstrap(100.0 * top1, groups=labels).text(1),
        bootstrap(own[~np.isnan(own)], groups=labels[~np.isnan(own)]).text(3),
        f"{bootstrap(100 * side, groups=labels[clear]).text(1)} of {len(side)}",
    ]
    movement = np.array([m.value for m, _ in requested])
    ranks = [
        rank_agreement(measures.region, movement, measures.requested, measures.measured, region)
        for region in REGIONS
    ]
    return " | ".join([*cells, *(f"{rank:.3f}" for rank in ranks)])


def _sheet(path: Path, face: Face, expressions: list, made: list[np.ndarray]) -> None:
    patients = [e.face.image for e in expressions]
    lines = [[face.image, *row[:5]] for row in (patients, made)]
    lines += [[face.image, *row[5:]] for row in (patients, made)]
    write_png(path, np.vstack([np.hstack(line) for line in lines]), **NOT_MADE)


if __name__ == "__main__":
    main()
