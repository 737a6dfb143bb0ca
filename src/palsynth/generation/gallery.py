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
from palsynth.files import written_whole
from palsynth.generation.sheet import FOOT
from palsynth.methods.base import Asked, Method, Request, provenance
from palsynth.subjects import Person

PAGE = "README.md"


@dataclass(frozen=True)
class Gallery:
    """``people`` shown, at which ``grades`` of a palsy of one ``side``, in pictures of ``size`` px.
    Every second person is weak on the other side."""

    people: tuple[Person, ...]
    grades: tuple[Grade, ...]
    side: Side = Side.LEFT
    size: int = 512

    def weak_side(self, person: Person) -> Side:
        """The weak side of one of the people."""
        return self.side.other if self.people.index(person) % 2 else self.side

    def pictures(self) -> Iterator[tuple[Path, Person, Asked]]:
        """Where each picture goes, whom it shows, and doing what."""
        for person in self.people:
            for movement in YANAGIHARA:
                for grade in self.grades:
                    palsy = Palsy.peripheral(self.weak_side(person), grade)
                    yield self.path(person, movement, grade), person, Asked(movement, palsy)

    def path(self, person: Person, movement: Movement, grade: Grade) -> Path:
        """A picture's file, relative to the gallery."""
        return Path(f"person-{person.seed:07d}") / f"{grade.value}-{movement.value}.jpg"


def write_gallery(
    out: Path, gallery: Gallery, method: Method, progress: Callable[[int, int], None]
) -> int:
    """Writes all pictures and the page that shows them; returns how many pictures."""
    asked = list(gallery.pictures())
    for done, (path, person, wanted) in enumerate(asked, 1):
        image = method([Request(person, wanted, person.seed, gallery.size, PORTRAIT)])[0]
        record = provenance(
            method, person.seed, expression=wanted.movement.value, palsy=wanted.palsy.to_dict()
        )
        made = {"palsynth:provenance": json.dumps(record, sort_keys=True)}
        write_jpeg(out / path, image, **made)
        progress(done, len(asked))
    with written_whole(out / PAGE) as temporary:
        temporary.write_text("\n".join(_page(gallery, method)) + "\n", "utf-8")
    return len(asked)


def _page(gallery: Gallery, method: Method) -> Sequence[str]:
    """The page's lines (Markdown): a table a person, movements down, grades across."""
    grades = [grade.value for grade in gallery.grades]
    seeds = " ".join(str(person.seed) for person in gallery.people)
    ages = " ".join(f"{person.age:g}" for person in gallery.people)
    lines = [
        "# Gallery",
        "",
        "Every movement of people who do not exist, drawn by the method "
        f"{method.name} at House-Brackmann {', '.join(grades)}, {gallery.size} px each; asked to "
        "wink is the weak eye. Seen something that gives a picture away? Name its file.",
        "",
        f"Made by `palsynth gallery --persons {seeds} --ages {ages} --grades {' '.join(grades)} "
        f"--side {gallery.side.value} --size {gallery.size} --method {method.name}`.",
        "",
        f"{FOOT[0].upper()}{FOOT[1:]}.",
    ]
    for person in gallery.people:
        weak = gallery.weak_side(person).value
        who = f"{person.gender} of about {person.age:.0f}, {person.ethnicity.replace('_', ' ')}"
        if person.extrapolated:
            who += " (age extrapolated: nobody photographed was as old)"
        lines += [
            "",
            f"## Person {person.seed}: {who}, Monk skin tone {person.monk}, {weak} side weak",
            "",
            f"| | {' | '.join(grade.value for grade in gallery.grades)} |",
            f"|---{'|---' * len(gallery.grades)}|",
        ]
        for movement in YANAGIHARA:
            cells = [
                f"![{movement.label}, grade {grade.value}]({gallery.path(person, movement, grade)})"
                for grade in gallery.grades
            ]
            lines.append(f"| {movement.label} | {' | '.join(cells)} |")
    return lines
