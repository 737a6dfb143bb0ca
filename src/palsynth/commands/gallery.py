"""``palsynth gallery``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from palsynth.commands.naming import MethodName
from palsynth.commands.options import Force, GradeName, SideName
from palsynth.errors import InputError
from palsynth.progress import progress_bar


@dataclass(frozen=True)
class GalleryOptions:
    """Render every movement of some synthetic subjects at several grades, one file per picture."""

    out: Path
    """Output folder of the pictures and of README.md, a page that shows them."""
    subjects: tuple[int, ...] = (1_000_033, 1_000_007, 1_000_045, 1_000_012)
    """Seeds of the synthetic subjects, no seed twice."""
    ages: tuple[float, ...] = ()
    """Ages of the subjects in years, 16 to 80, one per subject; default: sampled by the seed."""
    grades: tuple[GradeName, ...] = ("II", "IV", "VI")
    """House-Brackmann grades, I (normal) to VI (total paralysis), none twice."""
    side: SideName = "left"
    """The weak side of the first, third, fifth … subject; the opposite side is weak in the rest."""
    size: int = 512
    """Width and height of a picture in pixels, 64 to 1024."""
    method: MethodName = "subjects"
    """Name of the method that renders the pictures."""
    force: Force = False


def gallery(options: GalleryOptions) -> None:
    """Render every movement of some synthetic subjects at several grades, one file per picture."""
    from palsynth.clinical import Grade, Side
    from palsynth.generation.gallery import PAGE, Gallery, write_gallery
    from palsynth.methods import get_method
    from palsynth.subjects import sample
    from palsynth.subjects.render import LARGEST

    if not options.subjects or len(set(options.subjects)) < len(options.subjects):
        raise InputError("--subjects: give at least one seed, and none twice")
    if options.ages and len(options.ages) != len(options.subjects):
        raise InputError(
            f"--ages: {len(options.ages)} ages for {len(options.subjects)} subjects; give one each"
        )
    if not options.grades or len(set(options.grades)) < len(options.grades):
        raise InputError("--grades: give at least one, and none twice")
    if not 64 <= options.size <= LARGEST:
        raise InputError(f"--size {options.size}: must lie between 64 and {LARGEST}")
    ages = options.ages or (None,) * len(options.subjects)
    try:
        subjects = [sample(s, age=age) for s, age in zip(options.subjects, ages, strict=True)]
    except ValueError as error:
        raise InputError(str(error)) from None
    plan = Gallery(
        tuple(subjects), tuple(Grade(g) for g in options.grades), Side(options.side), options.size
    )
    method = get_method(options.method)
    with progress_bar("pictures") as progress:
        count = write_gallery(options.out, plan, method, progress)
    print(f"{options.out / PAGE}: {count} pictures of {len(subjects)} subjects")
