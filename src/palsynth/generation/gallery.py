"""A gallery: every movement of a few subjects at a few grades, each picture at full size.

Sheets show ten movements small; here each picture is a file of its own, so that whoever sees a
defect can name it: ``person-0000012/IV-grin.jpg``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from palsynth.clinical import YANAGIHARA, Grade, Movement, Palsy, Side
from palsynth.face.framing import PORTRAIT
from palsynth.face.images import write_jpeg
from palsynth.files import atomic_write
from palsynth.generation.sheet import FOOT
from palsynth.methods.base import Method, Request, TargetExpression, provenance
from palsynth.subjects import Subject

PAGE = "README.md"


@dataclass(frozen=True)
class Gallery:
    """``subjects`` shown, at which ``grades`` of a palsy of one ``side``, in pictures of ``size`` px.
    Every second person is weak on the other side."""

    subjects: tuple[Subject, ...]
    grades: tuple[Grade, ...]
    side: Side = Side.LEFT
    size: int = 512

    def weak_side(self, subject: Subject) -> Side:
        """The weak side of one of the people."""
        return self.side.other if self.subjects.index(subject) % 2 else self.side

    def pictures(self) -> Iterator[tuple[Path, Subject, TargetExpression]]:
        """Where each picture goes, whom it shows, and doing what."""
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
        """A picture's file, relative to the gallery."""
        return Path(f"person-{subject.seed:07d}") / f"{grade.value}-{movement.value}.jpg"


def write_gallery(
    out: Path, gallery: Gallery, method: Method, progress: Callable[[int, int], None]
) -> int:
    """Writes all pictures and the page that shows them; returns how many pictures."""
    requested = list(gallery.pictures())
    for done, (path, subject, wanted) in enumerate(requested, 1):
        image = method([Request(subject, wanted, subject.seed, gallery.size, PORTRAIT)])[0]
        record = provenance(
            method, subject.seed, expression=wanted.movement.value, palsy=wanted.palsy.to_dict()
        )
        made = {"palsynth:provenance": json.dumps(record, sort_keys=True)}
        write_jpeg(out / path, image, **made)
        progress(done, len(requested))
    with atomic_write(out / PAGE) as temporary:
        temporary.write_text("\n".join(_page(gallery, method)) + "\n", "utf-8")
    return len(requested)


def _page(gallery: Gallery, method: Method) -> Sequence[str]:
    """The page's lines (Markdown): a table a person, movements down, grades across."""
    grades = [grade.value for grade in gallery.grades]
    seeds = " ".join(str(subject.seed) for subject in gallery.subjects)
    ages = " ".join(f"{subject.age:g}" for subject in gallery.subjects)
    lines = [
        "# Gallery",
        "",
        "Every movement of people who do not exist, drawn by the method "
        f"{method.name} at House-Brackmann {', '.join(grades)}, {gallery.size} px each; asked to "
        "wink is the weak eye. Seen something that gives a picture away? Name its file.",
        "",
        f"Made by `palsynth gallery --subjects {seeds} --ages {ages} --grades {' '.join(grades)} "
        f"--side {gallery.side.value} --size {gallery.size} --method {method.name}`.",
        "",
        f"{FOOT[0].upper()}{FOOT[1:]}.",
    ]
    for subject in gallery.subjects:
        weak = gallery.weak_side(subject).value
        who = f"{subject.gender} of about {subject.age:.0f}, {subject.ethnicity.replace('_', ' ')}"
        if subject.extrapolated:
            who += " (age extrapolated: nobody photographed was as old)"
        lines += [
            "",
            f"## Person {subject.seed}: {who}, Monk skin tone {subject.monk}, {weak} side weak",
            "",
            f"| | {' | '.join(grade.value for grade in gallery.grades)} |",
            f"|---{'|---' * len(gallery.grades)}|",
        ]
        for movement in YANAGIHARA:
            cells = [
                f"![{movement.label}, grade {grade.value}]({gallery.path(subject, movement, grade)})"
                for grade in gallery.grades
            ]
            lines.append(f"| {movement.label} | {' | '.join(cells)} |")
    return lines
