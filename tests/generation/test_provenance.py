"""The record of a picture, and the text in its file."""

from __future__ import annotations

from typing import Any, ClassVar

import palsynth
from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.generation.provenance import merged, method_record, provenance
from palsynth.methods import ExpressionImage, Request, TargetExpression, get_method
from palsynth.methods.subjects import SubjectsMethod
from palsynth.simulator.drive import drive
from palsynth.subjects import Light, Scene, sample

PALSY = Palsy.peripheral(Side.LEFT, Grade.V)
WINK = TargetExpression(Movement.WINK, PALSY, 0.7, Side.RIGHT)


class WithWeights(SubjectsMethod):
    weights_sha256 = "ab" * 32
    settings: ClassVar[dict[str, Any]] = {"steps": 4}


def test_a_record_says_who_shows_what_and_how_it_was_made() -> None:
    subject = sample(7, age=71.0, gender="man", ethnicity="black")
    scene = Scene(light=Light(side=0.3))
    request = Request(subject, WINK, 3, 96, PORTRAIT, "man of 71", scene)
    record = provenance(WithWeights(), request)
    assert record.pop("scene")["light"] == {"side": 0.3, "exposure": 1.0, "warmth": 0.0}
    assert record == {
        "method": "subjects",
        "weights_sha256": "ab" * 32,
        "settings": {"steps": 4},
        "digital_source_type": "trainedAlgorithmicMedia",
        "seed": 3,
        "version": palsynth.__version__,
        "identity": "subject:7",
        "age": 71.0,
        "gender": "man",
        "ethnicity": "black",
        "expression": "wink",
        "palsy": PALSY.to_dict(),
        "intensity": 0.7,
        "wink": "right",
        "framing": PORTRAIT.name,
        "words": "man of 71",
    }


def test_photos_are_not_named_unless_the_caller_does(face: Face) -> None:
    method = get_method("captured")
    record = provenance(method, Request(face, ExpressionImage(face, face), framing=None))
    assert record == {
        **method_record(method),
        "digital_source_type": "compositeWithTrainedAlgorithmicMedia",
        "seed": 0,
        "version": palsynth.__version__,
        "identity": "photo",
        "expression": "picture",
        "rest": True,
    }
    assert not provenance(method, Request(face, ExpressionImage(face)))["rest"]
    coefficients = drive(Movement.GRIN, PALSY)
    assert provenance(method, Request(face, coefficients))["expression"] == "coefficients"
    named = provenance(method, Request(face, WINK), identity="a.png", expression="b.png")
    assert (named["identity"], named["expression"]) == ("a.png", "b.png")


def test_a_sheet_has_what_differs_as_lists() -> None:
    records = [{"seed": 0, "expression": "grin", "rest": True}, {"seed": 0, "expression": "wink"}]
    assert merged(records) == {"seed": 0, "expression": ["grin", "wink"], "rest": [True, None]}
    assert merged(records[:1]) == records[0]


def test_a_sheet_of_different_sources_is_a_composite(face: Face) -> None:
    method = get_method("captured")
    records = [provenance(method, Request(who, WINK)) for who in (face, sample(7))]
    assert [r["digital_source_type"] for r in records] == [
        "compositeWithTrainedAlgorithmicMedia",
        "trainedAlgorithmicMedia",
    ]
    assert merged(records)["digital_source_type"] == "compositeWithTrainedAlgorithmicMedia"
    assert merged(records[1:] * 2)["digital_source_type"] == "trainedAlgorithmicMedia"
    copies = provenance(get_method("copy-identity"), Request(face, WINK))
    assert "digital_source_type" not in {**copies, **merged([copies, copies])}
