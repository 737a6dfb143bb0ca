"""Options that several commands share, and the parsing of their values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from palsynth.clinical import Grade, Movement, Palsy, Side, palsy_from_yanagihara
from palsynth.commands.endings import Ending
from palsynth.documents import read_yaml
from palsynth.errors import InputError
from palsynth.paths import name_fault, shown_name

if TYPE_CHECKING:
    from palsynth.methods.base import Method
    from palsynth.methods.controlnet.pipeline import ControlNetPalsyPipeline

SideName = Literal["left", "right"]
MovementName = Annotated[Movement, tyro.conf.EnumChoicesFromValues]
GradeName = Literal["I", "II", "III", "IV", "V", "VI"]
PictureFile = Annotated[Path, Ending(".png", "pictures")]
ArraysFile = Annotated[Path, Ending(".npz", "arrays")]
Force = Annotated[bool, tyro.conf.arg(help="Overwrite files that palsynth did not write.")]
KindName = Literal["peripheral", "central", "late"]


@dataclass(frozen=True)
class PalsyOptions:
    """The palsy: a side with a grade or a Yanagihara total, or a file that defines it in full."""

    side: SideName = "left"
    """The patient's weak side."""
    grade: GradeName | None = None
    """House-Brackmann grade, I (normal) to VI (total paralysis); default: V."""
    yanagihara: int | None = None
    """Yanagihara total instead of a grade: an even number from 0 (worst) to 40 (normal)."""
    kind: KindName = "peripheral"
    """peripheral; central (a stroke, which spares the forehead); or late (with synkinesis)."""
    palsy: Path | None = None
    """YAML file with function per branch, tone and synkinesis of each side,
    instead of --side, --grade, --yanagihara and --kind."""

    def build(self) -> Palsy:
        """Builds the palsy.

        Raises:
            InputError: the options contradict each other, the total is odd or out of range, or the
                file is not a palsy.
        """
        if self.palsy is not None:
            if self != PalsyOptions(palsy=self.palsy):
                raise InputError(
                    "--palsy defines the whole palsy; leave out --side, --grade, --yanagihara and "
                    "--kind"
                )
            return read_palsy(self.palsy)
        side = Side(self.side)
        if self.yanagihara is not None:
            if self.grade is not None or self.kind != "peripheral":
                raise InputError("--yanagihara sets the severity; leave out --grade and --kind")
            try:
                return palsy_from_yanagihara(self.yanagihara, side)
            except ValueError as error:
                raise InputError(f"--yanagihara: {error}") from None
        grade = Grade(self.grade or "V")
        if self.kind == "central":
            return Palsy.central(side, grade)
        return Palsy.peripheral(side, grade, late=self.kind == "late")

    def title(self) -> str:
        """A description of the palsy for the title of a picture."""
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
    """The Stable Diffusion that the ControlNet methods run on."""

    base: str | None = None
    """Stable Diffusion 1.x: a folder, the name of a downloaded hub model or a single file;
    default: the small one that ships."""
    controlnet: str | None = None
    """Canny ControlNet for --base, not fine-tuned on patients: a folder, hub name or file."""
    tokenizer: Path | None = None
    """Folder of the tokenizer; needed if --base is a single file."""

    def method(self, name: str | None, weights: Path | None) -> Method:
        """Loads the method, with the pipeline that these options name.

        Args:
            name: name of the method; None selects ``captured``, or ``controlnet-pf-captured`` if
                any of these options or ``weights`` is given.
            weights: folder of the method's weights; None selects those that ship.

        Returns:
            A method that makes synthetic pictures.

        Raises:
            InputError: the method copies pictures or has no such options, or the options
                contradict each other.
        """
        from palsynth.methods.registry import get_method, method_class

        given = self != DiffusionOptions()
        name = name or ("controlnet-pf-captured" if given or weights else "captured")
        kind = method_class(name)
        if not kind.synthetic:
            raise InputError(
                f"the method {name} copies pictures; leave out --method or choose one that makes "
                "them, such as controlnet-pf-captured"
            )
        if not given:
            return get_method(name, weights)
        from palsynth.methods.controlnet.method import ControlNetMethod

        if not issubclass(kind, ControlNetMethod):
            raise InputError(f"the method {name} has no --base, --controlnet or --tokenizer")
        return kind(self.pipeline(weights))

    def pipeline(self, weights: Path | None) -> ControlNetPalsyPipeline:
        """Loads the ControlNet pipeline that these options name.

        Args:
            weights: folder of a ControlNet fine-tuned by ``palsynth train``; None selects
                ``controlnet``, or what ships.

        Returns:
            The pipeline.

        Raises:
            InputError: the options contradict each other or a model cannot be loaded.
        """
        from palsynth.methods.controlnet.config import ControlNetSettings
        from palsynth.methods.controlnet.pipeline import ControlNetPalsyPipeline

        if self.controlnet is not None and weights is not None:
            raise InputError(
                "--controlnet is for an untuned ControlNet, --weights for a fine-tuned one; give "
                "one of the two"
            )
        if self.tokenizer is not None and (self.base is None or Path(self.base).is_dir()):
            raise InputError("--tokenizer goes with a --base that is a single file")
        if self.base is not None and self.controlnet is None and weights is None:
            raise InputError("--base needs --controlnet or --weights that fit it")
        if self.controlnet is not None:
            model = ControlNetSettings(self.base, self.tokenizer)
            return ControlNetPalsyPipeline.untuned(model, Path(self.controlnet))
        return ControlNetPalsyPipeline.from_pretrained(weights, self.base, self.tokenizer)


def read_palsy(path: Path) -> Palsy:
    """Reads a palsy from a YAML file.

    Args:
        path: a file with the keys of :meth:`Palsy.to_dict`, any of which may be left out.

    Returns:
        The palsy.

    Raises:
        InputError: the file cannot be read or is not YAML, or has an unknown key or a bad value,
            of which the first is named.
    """
    data = read_yaml(path)
    try:
        return Palsy.from_dict(data)
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None


def parse_expression(text: str) -> tuple[Movement, Palsy]:
    """Parses an expression of the form ``movement[:side[:grade]]``.

    Args:
        text: for example ``grin:left:V``; healthy without a side, grade V without a grade.

    Returns:
        The movement and the palsy.

    Raises:
        InputError: an unknown movement, side or grade.

    Example:
        >>> movement, palsy = parse_expression("grin:left:V")
        >>> movement.value, palsy.weak_side.value
        ('grin', 'left')
    """
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
    """Parses arguments of the form ``NAME=FOLDER``.

    Args:
        words: at least one argument.

    Returns:
        Name -> folder, in the given order.

    Raises:
        InputError: an argument of another form, a repeated name, or no argument.

    Example:
        >>> named_folders(["mine=runs/mine"])["mine"].name
        'mine'
    """
    found: dict[str, Path] = {}
    for text in words:
        name, _, folder = text.partition("=")
        if not (name and folder):
            raise InputError(f"'{text}': name a method and its folder, as in mine=my-folder")
        if "/" in name or (fault := name_fault(name)) is not None:
            reason = "is a path; give a name" if "/" in name else fault
            raise InputError(f"'{text}': the name {shown_name(name)} {reason}")
        if name.casefold() in map(str.casefold, found):
            raise InputError(f"'{text}': there is a method {name} already")
        found[name] = Path(folder)
    if not found:
        raise InputError("name at least one method and its folder, as in mine=my-folder")
    return found
