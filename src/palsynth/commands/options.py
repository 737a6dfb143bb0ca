"""Options that several commands share, and how their words become values."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
import yaml

from palsynth.clinical import Grade, Movement, Palsy, Side, palsy_from_yanagihara
from palsynth.errors import InputError

if TYPE_CHECKING:
    from palsynth.face.face import Face
    from palsynth.methods.base import Method
    from palsynth.methods.controlnet.pipeline import ControlNetPalsyPipeline

SideName = Literal["left", "right"]
MovementName = Annotated[Movement, tyro.conf.EnumChoicesFromValues]
GradeName = Literal["I", "II", "III", "IV", "V", "VI"]
Force = Annotated[bool, tyro.conf.arg(help="Replace a file that palsynth did not make.")]
KindName = Literal["peripheral", "central", "late"]


@dataclass(frozen=True)
class PalsyOptions:
    """The palsy: a side with a grade or a Yanagihara total, or a file that says everything."""

    side: SideName = "left"
    """The patient's weak side."""
    grade: GradeName | None = None
    """House-Brackmann grade; V where nothing is said."""
    yanagihara: int | None = None
    """Yanagihara total, an even number from 0 to 40, in place of a grade."""
    kind: KindName = "peripheral"
    """peripheral; central (a stroke: the forehead is spared); late (with synkinesis)."""
    palsy: Path | None = None
    """YAML file with function per branch and side, tone and synkinesis, in place of the above."""

    def build(self) -> Palsy:
        """The palsy. Raises InputError where the options contradict each other."""
        if self.palsy is not None:
            if self != PalsyOptions(palsy=self.palsy):
                raise InputError("--palsy says everything; leave out side, grade, total and kind")
            return read_palsy(self.palsy)
        side = Side(self.side)
        if self.yanagihara is not None:
            if self.grade is not None or self.kind != "peripheral":
                raise InputError("--yanagihara says how weak; leave out --grade and --kind")
            try:
                return palsy_from_yanagihara(self.yanagihara, side)
            except ValueError as error:
                raise InputError(f"--yanagihara: {error}") from None
        grade = Grade(self.grade or "V")
        if self.kind == "central":
            return Palsy.central(side, grade)
        return Palsy.peripheral(side, grade, late=self.kind == "late")

    def title(self) -> str:
        """The palsy in words, for a picture's title."""
        if self.palsy is not None:
            return f"palsy of {self.palsy.name}"
        degree = (
            f"Yanagihara {self.yanagihara} of 40"
            if self.yanagihara is not None
            else f"House-Brackmann {self.grade or 'V'}"
        )
        return f"{self.kind} palsy of the patient's {self.side}, {degree}"


@dataclass(frozen=True)
class DiffusionOptions:
    """Which Stable Diffusion draws, for the ControlNet methods."""

    base: str | None = None
    """A Stable Diffusion 1.x: folder, downloaded hub name or single file; what ships, and is small,
    where nothing is said."""
    controlnet: str | None = None
    """A Canny ControlNet for it, not tuned on patients."""
    tokenizer: Path | None = None
    """Folder of the tokenizer, where --base is a single file."""

    def method(self, name: str | None, weights: Path | None) -> Method:
        """The method by name; where nothing is said ``captured``, or the ControlNet told of the
        captured expression where a Stable Diffusion or weights are given.

        Raises InputError where the method has no use for what is given, or takes no pictures.
        """
        from palsynth.methods.base import get_method, method_class

        given = self != DiffusionOptions()
        name = name or ("controlnet-pf-captured" if given or weights else "captured")
        kind = method_class(name)
        if not kind.takes_pictures:
            raise InputError(
                f"the method {name} takes no pictures; leave out --method, or give one that does, "
                "such as controlnet-pf-captured"
            )
        if not given:
            return get_method(name, weights)
        from palsynth.methods.controlnet.method import ControlNetMethod

        if not issubclass(kind, ControlNetMethod):
            raise InputError(f"the method {name} has no --base, --controlnet or --tokenizer")
        return kind(self.pipeline(weights))

    def pipeline(self, weights: Path | None) -> ControlNetPalsyPipeline:
        """What draws, with ``weights`` that palsynth train tuned in place of the ControlNet.
        Raises InputError where the options contradict each other."""
        from palsynth.methods.controlnet.io.files import load_pipeline, untuned_pipeline
        from palsynth.methods.controlnet.recipe import ControlNetSettings

        if self.controlnet is not None and weights is not None:
            raise InputError("--controlnet is not tuned and --weights is; give one of the two")
        if self.tokenizer is not None and (self.base is None or Path(self.base).is_dir()):
            raise InputError("--tokenizer goes with a --base that is a single file")
        if self.base is not None and self.controlnet is None and weights is None:
            raise InputError("--base needs --controlnet or --weights that fit it")
        if self.controlnet is not None:
            return untuned_pipeline(ControlNetSettings(self.base, self.tokenizer, self.controlnet))
        return load_pipeline(weights, self.base, self.tokenizer)


def read_palsy(path: Path) -> Palsy:
    """A palsy from a YAML file. Raises InputError naming the first key without a meaning."""
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except RecursionError:
        raise InputError(f"{path}: not a YAML file (nested too deeply)") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a YAML file ({str(error).splitlines()[0]})") from None
    try:
        return Palsy.from_dict(data)
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None


def parse_expression(text: str) -> tuple[Movement, Palsy]:
    """``movement[:side[:grade]]``, as in ``grin:left:V``; healthy without a side."""
    name, *rest = text.split(":")
    known = [m.value for m in Movement]
    if name not in known:
        raise InputError(f"expression '{text}': no movement '{name}'; choose {', '.join(known)}")
    if not rest:
        return Movement(name), Palsy.none()
    if rest[0] not in ("left", "right"):
        raise InputError(
            f"expression '{text}': the side must be left or right, as in {name}:left:V"
        )
    grade = rest[1] if len(rest) > 1 else "V"
    if grade not in {g.value for g in Grade} or len(rest) > 2:
        raise InputError(f"expression '{text}': the grade must be I to VI, as in {name}:left:V")
    return Movement(name), Palsy.peripheral(Side(rest[0]), Grade(grade))


def named_folders(words: Sequence[str]) -> dict[str, Path]:
    """``NAME=FOLDER`` words as name -> folder. Raises InputError where one says something else,
    a name comes twice, or there is none."""
    found: dict[str, Path] = {}
    for text in words:
        name, _, folder = text.partition("=")
        if not (name and folder):
            raise InputError(f"'{text}': name a method and its folder, as in mine=my-folder")
        if name in found:
            raise InputError(f"'{text}': there is a method {name} already")
        found[name] = Path(folder)
    if not found:
        raise InputError("name at least one method and its folder, as in mine=my-folder")
    return found


def mouth_is_open(face: Face) -> bool:
    """Whether a photo that should be at rest shows the mouth open."""
    from palsynth.face.measures import measure

    return measure(face.landmarks).fractions().midline["dental show"] > 0.035


def warn_unless_neutral(face: Face) -> None:
    """One line on standard error where a photo's mouth is open: movements start from rest."""
    if mouth_is_open(face):
        print(
            "note: the mouth is open in this photo; a photo at rest gives truer movements",
            file=sys.stderr,
        )
