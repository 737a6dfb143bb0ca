"""A gallery: every movement of several subjects at several grades, each picture at full size.

A sheet shows ten movements at a small size. In a gallery each picture is a file of its own, so that
a defect can be reported by its name: ``person-0000012/IV-grin.jpg``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from palsynth.clinical import YANAGIHARA, Grade, Movement, Palsy, Side
from palsynth.face.framing import PORTRAIT
from palsynth.face.images import write_jpeg
from palsynth.files import atomic_write
from palsynth.generation.layout import FOOT
from palsynth.generation.runner import generate
from palsynth.locks import lock_folder
from palsynth.methods.base import Method, Request, TargetExpression
from palsynth.progress import Progress
from palsynth.subjects import Subject

PAGE = "README.md"


@dataclass(frozen=True)
class Gallery:
    """A gallery's plan: ``subjects``, House-Brackmann ``grades`` of a peripheral palsy, and the
    ``size`` of a picture in pixels a side. ``side`` is the weak side of the first subject; it
    alternates from subject to subject."""

    subjects: tuple[Subject, ...]
    grades: tuple[Grade, ...]
    side: Side = Side.LEFT
    size: int = 512

    def weak_side(self, subject: Subject) -> Side:
        """The weak side of a subject.

        Args:
            subject: one of ``subjects``.

        Returns:
            ``side`` for the first, third, … subject, the opposite side for the others.
        """
        return self.side.other if self.subjects.index(subject) % 2 else self.side

    def pictures(self) -> Iterator[tuple[Path, Subject, TargetExpression]]:
        """The path, relative to the gallery, the subject and the expression of each picture."""
        for subject in self.subjects:
            for movement in YANAGIHARA:
                for grade in self.grades:
                    palsy = Palsy.peripheral(self.weak_side(subject), grade)
                    yield (
                        self.path(subject, movement, grade),
                        subject,
                        TargetExpression(movement, palsy),
                    )

    def path(self, subject: Subject, movement: Movement, grade: Grade) -> Path:
        """The path of a picture.

        Args:
            subject: one of ``subjects``.
            movement: the movement.
            grade: the grade of the palsy.

        Returns:
            The path relative to the gallery.
        """
        return Path(subject.name) / f"{grade.value}-{movement.value}.jpg"


def write_gallery(out: Path, gallery: Gallery, method: Method, progress: Progress) -> int:
    """Writes all pictures (JPEG) and the page that shows them, ``README.md``.

    Args:
        out: output folder.
        gallery: the plan.
        method: the method that renders the pictures.
        progress: called with the number of finished pictures and their total.

    Returns:
        The number of pictures.

    Raises:
        InputError: a file cannot be written, or was not written by palsynth.
    """
    planned = list(gallery.pictures())
    requests = (
        Request(subject, target, subject.seed, gallery.size, PORTRAIT)
        for _, subject, target in planned
    )
    with lock_folder(out):
        pictures = generate(method, requests)
        for done, ((path, _, _), picture) in enumerate(zip(planned, pictures, strict=True), 1):
            write_jpeg(out / path, picture.image, **picture.chunks)
            progress(done, len(planned))
        with atomic_write(out / PAGE) as temporary:
            temporary.write_text("\n".join(_page(gallery, method)) + "\n", "utf-8")
    return len(planned)


def _page(gallery: Gallery, method: Method) -> Sequence[str]:
    """The lines of the page (Markdown): one table per subject, movements by grades."""
    grades = [grade.value for grade in gallery.grades]
    seeds = " ".join(str(subject.seed) for subject in gallery.subjects)
    ages = " ".join(f"{subject.age:g}" for subject in gallery.subjects)
    lines = [
        "# Gallery",
        "",
        f"Every movement of synthetic subjects at House-Brackmann {', '.join(grades)}, rendered by "
        f"the method {method.name} at {gallery.size} px. The wink is that of the weak side. To "
        "report a defect, give the name of the file.",
        "",
        f"Made by `palsynth gallery --subjects {seeds} --ages {ages} --grades {' '.join(grades)} "
        f"--side {gallery.side.value} --size {gallery.size} --method {method.name}`.",
        "",
        f"{FOOT[0].upper()}{FOOT[1:]}.",
    ]
    for subject in gallery.subjects:
        weak = gallery.weak_side(subject).value
        group = subject.ethnicity.replace("_", " ")
        attributes = f"{subject.gender} of about {subject.age:.0f}, {group}"
        if subject.extrapolated:
            attributes += " (age extrapolated beyond the photographed people)"
        attributes += f", Monk skin tone {subject.monk}"
        lines += [
            "",
            f"## Subject {subject.seed}: {attributes}, {weak} side weak",
            "",
            f"| | {' | '.join(grades)} |",
            f"|---{'|---' * len(grades)}|",
        ]
        for movement in YANAGIHARA:
            cells = [
                f"![{movement.label}, grade {g.value}]({gallery.path(subject, movement, g)})"
                for g in gallery.grades
            ]
            lines.append(f"| {movement.label} | {' | '.join(cells)} |")
    return lines
