"""``palsynth gallery``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from palsynth.commands.options import Force, GradeName, SideName
from palsynth.errors import InputError
from palsynth.progress import progress_bar


@dataclass(frozen=True)
class GalleryOptions:
    """Every movement of a few synthetic subjects at a few grades, each picture a file."""

    out: Path
    """Folder for the pictures and the page README.md that shows them."""
    subjects: tuple[int, ...] = (1_000_033, 1_000_007, 1_000_045, 1_000_012)
    """Seeds of the subjects."""
    ages: tuple[float, ...] = ()
    """Their ages in years, one each; drawn where nothing is said."""
    grades: tuple[GradeName, ...] = ("II", "IV", "VI")
    """House-Brackmann grades."""
    side: SideName = "left"
    """The weak side of the first and every second after; the others are weak on the other one."""
    size: int = 512
    """Pixels of a picture's side, 64 to 1024."""
    method: str = "subjects"
    """The method that draws."""
    force: Force = False


def gallery(options: GalleryOptions) -> None:
    """Every movement of a few synthetic subjects at a few grades, each picture a file."""
    from palsynth.clinical import Grade, Side
    from palsynth.generation.gallery import PAGE, Gallery, write_gallery
    from palsynth.methods import get_method
    from palsynth.subjects import sample
    from palsynth.subjects.render import LARGEST

    if not options.subjects or len(set(options.subjects)) < len(options.subjects):
        raise InputError("--subjects: say at least one seed, and none twice")
    if options.ages and len(options.ages) != len(options.subjects):
        raise InputError(
            f"--ages: {len(options.ages)} ages for {len(options.subjects)} people; say one each"
        )
    if not options.grades or len(set(options.grades)) < len(options.grades):
        raise InputError("--grades: say at least one, and none twice")
    if not 64 <= options.size <= LARGEST:
        raise InputError(f"--size {options.size}: pictures have 64 to {LARGEST} px a side")
    ages = options.ages or (None,) * len(options.subjects)
    try:
        found = [sample(s, age=age) for s, age in zip(options.subjects, ages, strict=True)]
    except ValueError as error:
        raise InputError(str(error)) from None
    shown = Gallery(
        tuple(found), tuple(Grade(g) for g in options.grades), Side(options.side), options.size
    )
    method = get_method(options.method)
    with progress_bar("pictures") as progress:
        count = write_gallery(options.out, shown, method, progress)
    print(f"{options.out / PAGE}: {count} pictures of {len(found)} people")
