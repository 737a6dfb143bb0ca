"""The settings beside saved weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from palsynth.errors import InputError
from palsynth.settings import Settings
from palsynth.training.saved import SETTINGS, load_settings, save_settings


@dataclass(frozen=True)
class Mine(Settings):
    steps: int = 3
    names: tuple[str, ...] = ("a",)


def test_settings_survive_a_round_trip(tmp_path: Path) -> None:
    settings = Mine(5, ("b", "c"))
    save_settings(settings, "mine", tmp_path)
    assert (tmp_path / SETTINGS).read_text() == "kind: mine\nsteps: 5\nnames:\n- b\n- c\n"
    assert load_settings(Mine, "mine", tmp_path) == settings


def test_a_file_of_0_2_names_no_kind(tmp_path: Path) -> None:
    (tmp_path / SETTINGS).write_text("steps: 7\n")
    assert load_settings(Mine, "mine", tmp_path) == Mine(7)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "holds no mine weights \\(no settings.yaml\\); give another folder"),
        ("kind: other", "holds weights of kind other, not mine; give another folder"),
        ("kind: mine\nsteps: x", "settings.yaml: steps: "),
        ("kind: mine\ndepth: 3", "settings.yaml: depth: no such field"),
        ("- 3", "settings.yaml: holds no settings; write the weights again"),
        ("{", "settings.yaml:1: not a YAML file"),
    ],
)
def test_faulty_settings_are_named(text: str | None, message: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / SETTINGS).write_text(text)
    with pytest.raises(InputError, match=message):
        load_settings(Mine, "mine", tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such folder; give one of mine weights"):
        load_settings(Mine, "mine", tmp_path / "nowhere")
