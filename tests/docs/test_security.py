"""Every promise of the page on security names tests, and these exist."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
PROMISES = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for section in PAGE.split("| promise | test |\n|---|---|\n")[1:]
    for line in section.split("\n\n")[0].splitlines()
]


def test_every_promise_has_a_test_that_exists() -> None:
    assert len(PROMISES) > 20
    for promise, *tests in PROMISES:
        assert len(tests) == 1, promise
        found = re.findall(r"`(?:(tests/[\w/]+\.py))?(?:::)?(\w+)?`", tests[0])
        assert found, promise
        assert found[0][0], promise
        file = ""
        for path, name in found:
            file = path or file
            text = (ROOT / file).read_text("utf-8")
            assert "def test_" in text or name, file
            assert not name or f"def {name}(" in text, f"{file} has no {name}"
