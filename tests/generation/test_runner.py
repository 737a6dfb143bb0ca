"""The path from a request to a picture and its row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.data.manifest import read_manifest
from palsynth.data.writer import DatasetWriter
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.generation.runner import BATCH, Planned, generate, write_planned
from palsynth.generation.variety import Variety
from palsynth.methods import ExpressionImage, Request, TargetExpression, get_method
from palsynth.methods.base import Weightless
from palsynth.methods.resolve import EXPRESSION_SIZE, as_drive, subject_face
from palsynth.simulator.drive import Drive, drive
from palsynth.subjects import View, sample

GRIN = TargetExpression(Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.V))
COEFFICIENTS = drive(GRIN.movement, GRIN.palsy)


class Recorder(Weightless):
    """Records the batches that it gets; the picture's level is the seed."""

    name = "recorder"

    def __init__(self, *takes: type, synthetic: bool = True) -> None:
        self.takes, self.synthetic = frozenset(takes), synthetic
        self.batches: list[list[Request]] = []

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        self.batches.append(list(requests))
        return [np.full((r.size, r.size, 3), r.seed, np.uint8) for r in requests]


@pytest.fixture(scope="module")
def picture() -> ExpressionImage:
    return ExpressionImage(subject_face(sample(970_161), GRIN, View(192)))


@pytest.mark.parametrize("taken", [ExpressionImage, TargetExpression, Drive])
def test_an_expression_that_the_method_takes_is_not_converted(
    taken: type, picture: ExpressionImage, face: Face
) -> None:
    expression = next(e for e in (picture, GRIN, COEFFICIENTS) if isinstance(e, taken))
    method = Recorder(taken)
    list(generate(method, [Request(face, expression)]))
    assert method.batches[0][0].expression is expression


def test_pictures_and_movements_become_coefficients(picture: ExpressionImage) -> None:
    subject = sample(min(range(970_200, 970_240), key=lambda s: sample(s).bell))
    method = Recorder(Drive)
    wink = TargetExpression(Movement.WINK, Palsy.none(), 0.8)
    list(generate(method, [Request(subject, e) for e in (picture, wink)]))
    captured, driven = (request.expression for request in method.batches[0])
    assert isinstance(captured, Drive)
    assert captured.left == as_drive(picture, subject).left
    assert driven == drive(Movement.WINK, Palsy.none(), intensity=0.8, bell=subject.bell)


def test_movements_and_coefficients_become_a_picture_of_the_seeds_subject(face: Face) -> None:
    method = Recorder(ExpressionImage)
    list(generate(method, [Request(face, e, seed=41) for e in (GRIN, COEFFICIENTS)]))
    for request, expression in zip(method.batches[0], (GRIN, COEFFICIENTS), strict=True):
        rendered = subject_face(sample(41), expression, View(EXPRESSION_SIZE))
        assert isinstance(request.expression, ExpressionImage)
        assert np.array_equal(request.expression.face.image, rendered.image)
        assert request.seed == 41


def test_a_copying_method_is_given_nothing_to_copy_that_was_not_requested(face: Face) -> None:
    method = Recorder(ExpressionImage, synthetic=False)
    (made,) = generate(method, [Request(face, GRIN)])
    assert method.batches[0][0].expression is GRIN
    assert not made.synthetic
    assert "palsynth:provenance" not in made.chunks


def test_requests_are_read_as_pictures_are_taken(face: Face) -> None:
    method = Recorder(TargetExpression)
    pictures = generate(method, (Request(face, GRIN, seed=k) for k in range(BATCH + 3)))
    assert [next(pictures).image[0, 0, 0] for _ in range(2)] == [0, 1]
    assert [len(batch) for batch in method.batches] == [BATCH]
    assert [picture.request.seed for picture in pictures] == list(range(2, BATCH + 3))
    assert [len(batch) for batch in method.batches] == [BATCH, 3]


def test_what_was_requested_is_recorded_not_its_conversion(
    picture: ExpressionImage, face: Face, tmp_path: Path
) -> None:
    (made,) = generate(Recorder(Drive), [Request(face, picture, seed=5)])
    assert (made.record["expression"], made.record["seed"]) == ("picture", 5)
    made.write(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert json.loads(image.text["palsynth:provenance"]) == made.record
        assert image.text["Description"].startswith("synthetic image made by palsynth")


def test_a_renderer_gives_exact_landmarks() -> None:
    request = Request(sample(970_161), GRIN, size=96)
    (made,) = generate(get_method("subjects"), [request])
    assert made.landmarks is not None
    exact = subject_face(sample(970_161), GRIN, View(96))
    assert np.array_equal(made.landmarks, exact.landmarks)
    assert np.array_equal(made.image, exact.image)
    (moved,) = generate(get_method("simulator"), [request])
    assert moved.landmarks is None


def _planned(face: Face, count: int) -> list[Planned]:
    return [
        Planned(f"s/{k}.png", "s", Request(face, GRIN, seed=k), split="test", attributes={"k": k})
        for k in range(count)
    ]


def test_missing_pictures_of_a_dataset_are_made_and_labelled(face: Face, tmp_path: Path) -> None:
    method, counts = Recorder(TargetExpression), []
    writer = DatasetWriter(tmp_path / "set", {})
    write_planned(writer, _planned(face, 3), method, 20)
    write_planned(writer, _planned(face, 20), method, 20, lambda *count: counts.append(count))
    assert [[r.seed for r in batch] for batch in method.batches] == [
        [0, 1, 2], list(range(3, 11)), list(range(11, 19)), [19],
    ]  # fmt: skip
    assert counts == [(11, 20), (19, 20), (20, 20)]
    writer.finish([f"s/{k}.png" for k in range(20)])
    row = read_manifest(tmp_path / "set")[3]
    assert (row.movement, row.side, row.hb_grade, row.yanagihara_item) == ("grin", "left", "V", 0)
    assert row.palsy == GRIN.palsy.to_dict()
    assert (row.split, row.provenance["method"]) == ("test", "recorder")  # type: ignore[index]


def test_labels_may_be_given_where_the_expression_is_a_picture(
    face: Face, picture: ExpressionImage, tmp_path: Path
) -> None:
    planned = [
        Planned("a.png", "s", Request(face, picture)),
        Planned("b.png", "s", Request(face, picture), labels=(Movement.WINK, None)),
        Planned(
            "c.png",
            "s",
            Request(face, picture),
            labels=(Movement.BLINK, Palsy.none()),
            named={"expression": "x.png"},
        ),
    ]
    method = Recorder(ExpressionImage)
    pictures = generate(method, [item.request for item in planned])
    rows = [item.row(made) for item, made in zip(planned, pictures, strict=True)]
    assert [(r.movement, r.hb_grade, r.yanagihara_item) for r in rows] == [
        (None, None, None),
        ("wink", None, None),
        ("blink", "I", None),
    ]
    assert [r.provenance["expression"] for r in rows] == ["picture", "picture", "x.png"]  # type: ignore[index]
    copies = generate(Recorder(ExpressionImage, synthetic=False), [planned[0].request])
    assert planned[0].row(next(copies)).provenance is None


class Faulty(Recorder):
    """Makes whatever it is given."""

    def __init__(self, images: list[np.ndarray]) -> None:
        super().__init__(TargetExpression, Drive)
        self.images = images

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        return self.images


@pytest.mark.parametrize(
    ("images", "fault"),
    [
        ([], "made 0 images of 1 requests"),
        ([np.zeros((96, 96, 3))], r"made float64 \(96, 96, 3\), not \(H, W, 3\) uint8 RGB"),
        ([np.zeros((96, 96), np.uint8)], r"made uint8 \(96, 96\), not"),
        ([np.zeros((50, 50, 3), np.uint8)], r"made uint8 \(50, 50, 3\), not 96 px a side"),
    ],
)
def test_a_method_that_makes_something_else_is_named(
    images: list[np.ndarray], fault: str, face: Face
) -> None:
    with pytest.raises(InputError, match=f"^method recorder: {fault}"):
        list(generate(Faulty(images), [Request(face, GRIN, size=96)]))


def test_what_cannot_be_generated_is_refused_in_words(face: Face, picture: ExpressionImage) -> None:
    with pytest.raises(InputError, match="batch 0: must be at least 1"):
        list(generate(Recorder(Drive), [Request(face, GRIN)], batch=0))
    with pytest.raises(InputError, match="copies pictures, which cannot vary"):
        list(generate(Recorder(Drive, synthetic=False), [Request(face, GRIN)], variety=Variety()))
    with pytest.raises(InputError, match="takes requested movements only"):
        list(generate(Recorder(TargetExpression), [Request(face, picture)]))
