"""The files that ``pairs.csv`` names lie in its set, and results have names of their own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from palsynth.clinical import Palsy
from palsynth.data.pairs import FILES, Pair, read_pairs, write_pairs
from palsynth.errors import InputError

PAIR = Pair("0.png", "i.png", "e.png", "", "s", "grin", json.dumps(Palsy.none().to_dict()))


@pytest.mark.parametrize("column", ["name", *FILES])
@pytest.mark.parametrize("name", ["../x.png", "/x.png", "a\\x.png", "~/x.png", "C:/x.png"])
def test_no_name_leads_out(column: str, name: str, tmp_path: Path) -> None:
    write_pairs(tmp_path / "pairs.csv", [PAIR, replace(PAIR, name="1.png")])
    assert len(read_pairs(tmp_path / "pairs.csv")) == 2
    write_pairs(tmp_path / "pairs.csv", [PAIR, replace(PAIR, **{"name": "1.png", column: name})])
    with pytest.raises(InputError) as error:
        read_pairs(tmp_path / "pairs.csv")
    assert f"pairs.csv:3: {column}: {name} " in str(error.value)


def test_a_link_out_of_the_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "private.png").touch()
    (tmp_path / "set" / "i.png").symlink_to(tmp_path / "private.png")
    write_pairs(tmp_path / "set" / "pairs.csv", [PAIR])
    with pytest.raises(InputError, match=r"pairs\.csv:2: identity: i\.png leads out of .*a link"):
        read_pairs(tmp_path / "set" / "pairs.csv")
    write_pairs(tmp_path / "pairs.csv", [PAIR])
    with pytest.raises(InputError, match="leads out of"):
        read_pairs(tmp_path / "pairs.csv", tmp_path / "set")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "name is blank"),
        ("0.png", "name: 0.png is named twice; give each pair its own"),
        ("./0.png", "name: ./0.png and 0.png are one file"),
        ("0.PNG", "name: 0.PNG and 0.png are one file on some systems"),
        (".rows/0.png", "name: .rows/0.png is a hidden file"),
    ],
)
def test_results_have_names_of_their_own(name: str, message: str, tmp_path: Path) -> None:
    write_pairs(tmp_path / "pairs.csv", [PAIR, replace(PAIR, name=name)])
    with pytest.raises(InputError) as error:
        read_pairs(tmp_path / "pairs.csv")
    assert message in str(error.value)
