"""The diagram shows a palsy, and what it changes is read as one."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest

from palsynth.app.nerve_diagram import diagram, from_text, level, to_text
from palsynth.clinical import Branch, Grade, Palsy, Side
from palsynth.errors import InputError

LATE = Palsy.peripheral(Side.RIGHT, Grade.III, late=True)


def test_every_branch_and_the_tone_of_each_side_is_a_slider() -> None:
    parts = re.findall(
        r"role=slider data-side=(\w+) data-part=(\w+) aria-label='([^']+)'.*?aria-valuenow=(\d+)",
        diagram(LATE),
    )
    assert len(parts) == len(set(parts)) == 12
    for side, part, label, percent in parts:
        state = LATE.of(Side(side))
        value = state.tone if part == "tone" else state.function[Branch(part)]
        assert int(percent) == round(100 * value)
        assert label.endswith(f"patient’s {side}")


def test_the_patients_right_is_at_the_left() -> None:
    text = diagram(LATE)
    assert re.search(r"x=6 y=26 text-anchor=start>Patient’s right", text)
    assert re.search(r"x=594 y=26 text-anchor=end>Patient’s left", text)


def test_it_is_well_formed() -> None:
    text = re.sub(r"=([\w-]+)(?=[\s/>])", r"='\1'", diagram(LATE))
    assert ElementTree.fromstring(text).tag == "svg"


@pytest.mark.parametrize(
    ("percent", "name"), [(0, "none"), (1, "weak"), (99, "weak"), (100, "full")]
)
def test_lines_differ_by_function(percent: int, name: str) -> None:
    assert level(percent) == name


def test_what_it_changes_is_a_palsy() -> None:
    assert from_text(to_text(LATE)) == (LATE, ())
    values = json.loads(to_text(LATE, ("right", "III")))
    values["left"]["function"]["buccal"] = 0.25
    changed, preset = from_text(json.dumps(values))
    assert preset == ("right", "III")
    assert changed.left.function[Branch.BUCCAL] == 0.25
    assert changed.right == LATE.right


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "the nerve's branches"),
        ('{"left": {"tone": 2}}', "the nerve's branches: palsy: tone is 2"),
        ('{"preset": 1}', "the nerve's branches: 'int' object is not iterable"),
        ("[]", "the nerve's branches: palsy must have the keys left, right"),
        ('{"up": {}}', "the nerve's branches: palsy has no 'up'"),
    ],
)
def test_anything_else_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        from_text(text)
