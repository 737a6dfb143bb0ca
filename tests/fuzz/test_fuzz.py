"""Damaged input files end a command with exit code 0 or 2 and one line: no traceback, nothing left.

Some hundred inputs in the default suite; six thousand where slow tests are run.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from palsynth import cli
from palsynth.clinical import Grade, Palsy, Side
from palsynth.data.pairs import Pair, write_pairs
from palsynth.errors import InputError
from palsynth.face.images import write_png
from palsynth.methods import get_method
from palsynth.methods.cfcpalsy.io.files import save_model
from palsynth.methods.cfcpalsy.networks.model import CFCPalsyModel, build_conditioner, build_unet
from tests.fuzz.mutations import (
    damaged_bytes,
    damaged_document,
    damaged_text,
    damaged_workbook,
)
from tests.methods.cfcpalsy.conftest import small

RECIPES = Path(__file__).parents[2] / "recipes"
PALSY = Palsy.peripheral(Side.LEFT, Grade.V).to_dict()
MANIFEST = {
    "file_name": "p1/a.png",
    "subject_id": "p1",
    "movement": "grin",
    "side": "left",
    "hb_grade": "V",
    "yanagihara_item": 0,
    "palsy": PALSY,
    "split": "train",
    "provenance": {"method": "subjects", "seed": 3},
    "measured": {"left": 0.5},
    "attributes": {"age": 40},
}
MAPPING = """\
labels: labels.csv
columns:
  file_name: image
  subject_id: person
  movement: task
  side: weak
values:
  movement: {smile: grin, "0": rest}
  side: {L: left, R: right}
"""
LABELS = "image,person,task,weak\np1/a.png,p1,smile,L\np1/b.png,p1,0,R\np2/a.png,p2,smile,\n"
PATIENTS = [["Category", "Sub-Category", "#", "Side", "Gender", "Age"]]
PATIENTS += [["Flaccid", "Mild", 1, "L", "F", 40], ["Flaccid", "Mild", 2, "R", "M", 51]]


class Failed(AssertionError):
    """A command that did not end as it must."""


def run(*words: object) -> int:
    """Runs a command; fails unless it ends well, or with one line.

    Returns:
        The exit code.
    """
    out, error = io.StringIO(), io.StringIO()
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        try:
            cli.main([str(word) for word in words])
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    text = error.getvalue()
    if "Traceback" in text or code not in (0, 1, 2):
        raise Failed(f"exit code {code}: {text}")
    listed = ("not placed", "imported without labels")
    if code == 2 and not any(words in out.getvalue() for words in listed):
        lines = [line for line in text.splitlines() if line.startswith("palsynth: ")]
        if len(lines) != 1 or "\x1b" in text:
            raise Failed(f"no single line of text: {text!r}")
    return code


def tree(folder: Path) -> set[str]:
    """Names of everything in a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


class Case:
    """A folder of sound files, one of which is damaged, and the command that reads it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.make()
        self.clean()
        assert self.command() in self.sound, "the sound files are refused"
        self.clean()

    sound: tuple[int, ...] = (0,)
    """Exit codes for the sound files."""

    file = ""
    """The damaged file, relative to the folder."""

    def make(self) -> None:
        """Writes the sound files."""
        raise NotImplementedError

    def damaged(self) -> st.SearchStrategy[bytes]:
        """Contents of the damaged file."""
        raise NotImplementedError

    def command(self) -> int:
        """Runs the command; returns its exit code."""
        raise NotImplementedError

    def clean(self) -> None:
        """Removes what the command made."""
        shutil.rmtree(self.folder / "out", ignore_errors=True)
        (self.folder / "out").mkdir()

    def try_(self, data: bytes) -> None:
        """Runs the command on a damaged file.

        Raises:
            Failed: it ends otherwise than it must.
        """
        (self.folder / self.file).write_bytes(data)
        before = tree(self.folder)
        code = self.command()
        after = tree(self.folder)
        if not before <= after:
            raise Failed(f"removed {sorted(before - after)}")
        inside = {name for name in after - before if name.startswith("out/")}
        if after - before - inside:
            raise Failed(f"wrote {sorted(after - before - inside)}")
        if any(".partial" in name for name in inside) or (code == 2 and self.refused(inside)):
            raise Failed(f"left {sorted(inside)[:5]}")
        self.clean()

    def refused(self, written: set[str]) -> bool:
        """Whether what a refused command wrote must not be there."""
        return bool(written)

    def picture(self, name: str, shade: int = 90) -> None:
        """Writes a picture of noise."""
        image = np.random.default_rng(shade).integers(0, 255, (40, 40, 3), np.uint8)
        write_png(self.folder / name, image)


class Manifest(Case):
    file, sound = "set/metadata.jsonl", (0, 1)

    def make(self) -> None:
        self.picture("set/p1/a.png")

    def damaged(self) -> st.SearchStrategy[bytes]:
        row = damaged_document(MANIFEST)
        return st.lists(row, min_size=1, max_size=2).map(lambda rows: b"\n".join(rows))

    def command(self) -> int:
        file = self.folder / self.file
        if not file.exists():
            file.write_text('{"file_name": "p1/a.png", "subject_id": "p1"}\n')
        return run("data", "check", self.folder / "set", "--no-faces")


class _Import(Case):
    """An imported set is there or not; some files may be listed, with exit code 2."""

    def refused(self, written: set[str]) -> bool:
        return bool(written) and "out/set/metadata.jsonl" not in written

    def command(self) -> int:
        mapping = self.folder / "mapping.yaml"
        source, target = self.folder / "source", self.folder / "out" / "set"
        return run("data", "import", "folder", source, target, "--mapping", mapping)

    def make(self) -> None:
        for shade, name in enumerate(("p1/a.png", "p1/b.png", "p2/a.png")):
            self.picture(f"source/{name}", shade)
        (self.folder / "source" / "labels.csv").write_text(LABELS)
        (self.folder / "mapping.yaml").write_text(MAPPING)


class Mapping(_Import):
    file = "mapping.yaml"

    def damaged(self) -> st.SearchStrategy[bytes]:
        return damaged_text(MAPPING)


class Labels(_Import):
    file = "source/labels.csv"

    def damaged(self) -> st.SearchStrategy[bytes]:
        return damaged_text(LABELS)


class Workbook(_Import):
    file, sound = "source/pat_info.xlsx", (0, 2)

    def make(self) -> None:
        for patient in (1, 2):
            name = f"MildFlaccid{patient}"
            self.picture(f"source/Flaccid/MildFlaccid/{name}/{name}_1.png", patient)

    def damaged(self) -> st.SearchStrategy[bytes]:
        return damaged_workbook(PATIENTS)

    def command(self) -> int:
        return run("data", "import", "meei", self.folder / "source", self.folder / "out" / "set")


class Recipe(Case):
    file = "recipe.yaml"

    def make(self) -> None:
        (self.folder / "recipe.yaml").write_text((RECIPES / "identity.yaml").read_text())

    def damaged(self) -> st.SearchStrategy[bytes]:
        names = ("identity", "judge", "cfcpalsy-paper-aflfp", "controlnet-paper-pf", "landmarks")
        texts = [(RECIPES / f"{name}.yaml").read_text() for name in names]
        bare = ["".join(t for t in text.splitlines(True) if t[0] != "#") for text in texts]
        return st.sampled_from(bare).flatmap(damaged_text)

    def command(self) -> int:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("palsynth.training.forecast.forecast", lambda recipe: "")
            return run("train", self.folder / self.file, "--dry-run")


class Pairs(Case):
    file = "set/pairs.csv"

    def make(self) -> None:
        names = ("identity", "expression", "truth")
        for shade, name in enumerate(names):
            self.picture(f"set/{name}/0.png", shade)
        for method in ("one", "two"):
            self.picture(f"{method}/0.png", 7)
        files = [f"{name}/0.png" for name in names]
        pair = Pair("0.png", *files, "p1", "grin", json.dumps(PALSY))
        write_pairs(self.folder / self.file, [pair])
        self.text = (self.folder / self.file).read_text()

    def damaged(self) -> st.SearchStrategy[bytes]:
        return damaged_text(self.text)

    def command(self) -> int:
        methods = [f"{name}={self.folder / name}" for name in ("one", "two")]
        return run(
            *("study", "new", *methods, "--set", self.folder / "set", "--pairs", 1, "--raters", 1),
            *("--out", self.folder / "out" / "study.sqlite"),
        )

    def refused(self, written: set[str]) -> bool:
        return any(name.endswith(".sqlite") for name in written)


class PalsyFile(Case):
    """The photo does not exist: its line is what a sound palsy ends with."""

    file, sound = "palsy.yaml", (2,)

    def make(self) -> None:
        self.text = yaml.safe_dump(PALSY)
        (self.folder / self.file).write_text(self.text)

    def damaged(self) -> st.SearchStrategy[bytes]:
        return st.one_of(damaged_text(self.text), damaged_document(PALSY))

    def command(self) -> int:
        out = self.folder / "out" / "picture.png"
        palsy = self.folder / self.file
        return run("simulate", self.folder / "none.png", "--palsy", palsy, "--out", out)


class Weights(Case):
    """The weights of a method, one of whose files is damaged."""

    def make(self) -> None:
        torch.manual_seed(0)
        unet = build_unet(small())
        model = CFCPalsyModel(small(), unet, build_conditioner(small(), unet))
        save_model(model, self.folder / "weights")
        self.sound_files = {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted((self.folder / "weights").rglob("*"))
            if path.is_file()
        }

    def damaged(self) -> st.SearchStrategy[bytes]:
        return st.sampled_from(sorted(self.sound_files)).flatmap(self._damaged)

    def _damaged(self, name: str) -> st.SearchStrategy[bytes]:
        data = self.sound_files[name]
        kind = damaged_bytes(data) if name.endswith("tensors") else damaged_text(data.decode())
        return kind.map(lambda data: name.encode() + b"\0" + data)

    def try_(self, data: bytes) -> None:
        for name, sound in self.sound_files.items():
            (self.folder / name).write_bytes(sound)
        name, _, data = data.partition(b"\0")
        self.file = name.decode()
        super().try_(data)

    def command(self) -> int:
        try:
            get_method("cfcpalsy", self.folder / "weights")
        except InputError as error:
            if "\n" in str(error):
                raise Failed(f"no single line of text: {error}") from None
            return 2
        return 0


class _Clip(_Import):
    """A clip of which the first frame is imported."""

    sound, codec = (0, 2), "mp4v"

    def make(self) -> None:
        path = self.folder / self.file
        path.parent.mkdir(parents=True)
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*self.codec), 25, (64, 48))
        noise = np.random.default_rng(0)
        for _ in range(4):
            writer.write(noise.integers(0, 255, (48, 64, 3), np.uint8))
        writer.release()
        self.bytes = path.read_bytes()

    def damaged(self) -> st.SearchStrategy[bytes]:
        return damaged_bytes(self.bytes)

    def command(self) -> int:
        source, target = self.folder / "source", self.folder / "out" / "set"
        return run("data", "import", "folder", source, target, "--frames", 0)


class Mp4(_Clip):
    file = "source/p1/a.mp4"


class Matroska(_Clip):
    file = "source/p1/a.mkv"


CASES: list[type[Case]] = [
    *(Manifest, Mapping, Labels, Workbook, Recipe, Pairs, PalsyFile, Weights, Mp4, Matroska),
]
FEW, MANY = 30, 630
"""Inputs of a case in the default suite, and where slow tests are run: 10 x 630 is 6,300."""


@pytest.mark.parametrize(
    "inputs", [FEW, pytest.param(MANY, marks=pytest.mark.slow)], ids=["few", "many"]
)
@pytest.mark.parametrize("case", CASES)
def test_damaged_files_are_refused_in_one_line(
    case: type[Case], inputs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PALSYNTH_DEBUG", "1")  # an unexpected error fails the test
    tried = case(tmp_path)

    @settings(
        max_examples=inputs,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(tried.damaged())
    def attack(data: bytes) -> None:
        tried.try_(data)

    attack()
