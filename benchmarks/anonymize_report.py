"""What ``anonymize.py`` prints: recognition, expression, and whether patients are found again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from palsynth.capture import ExpressionCoefficients, capture
from palsynth.capture.compare import compare, displacement
from palsynth.clinical import Movement, Palsy, Side
from palsynth.encoders.published.dlib import DlibRecogniser
from palsynth.encoders.recogniser import Recogniser
from palsynth.evaluation.intervals import bootstrap, share
from palsynth.evaluation.privacy import distances, threshold_at
from palsynth.evaluation.requested import requested_measures
from palsynth.face.detect import detect_faces
from palsynth.face.face import Face
from palsynth.face.images import read_image
from palsynth.generation.patient import Patient
from palsynth.generation.verdict import Verdict
from palsynth.methods.base import Identity

FALSE_ACCEPT = 0.01
"""Share of pairs of two people that dlib may take for one person."""

GALLERY = 60
"""Candidates among whom a patient is looked for."""


@dataclass(frozen=True)
class Case:
    """One patient, what each picture was asked to show, and who may show it; ``group`` gender and
    ethnicity, where they are known."""

    name: str
    patient: Patient
    requested: tuple[tuple[Movement, Palsy], ...]
    candidates: tuple[tuple[int, Identity], ...]
    group: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Seen:
    """A face, and the vectors of both recognisers."""

    face: Face
    dlib: np.ndarray
    ours: np.ndarray


@dataclass(frozen=True)
class Judged:
    """One picture; NaN where nothing can be said. ``hit`` whether dlib takes it for the patient,
    ``floor`` whether it takes the non-patient at rest for the patient; ``side`` whether it is the
    asked one; ``ways`` and ``lids`` by how much the captured expression is off; ``dlib`` and
    ``ours`` the patient's rank in the gallery."""

    case: Case
    faults: Sequence[str]
    hit: float = np.nan
    floor: float = np.nan
    side: float = 0.0
    ways: float = np.nan
    lids: float = np.nan
    dlib: float = np.nan
    ours: float = np.nan


@dataclass(frozen=True)
class Row:
    """All pictures of a row; per case the rank by the captured rest, how many candidates were
    redrawn, and whether the last is taken for the patient all the same."""

    pictures: list[Judged]
    captured: list[float]
    redrawn: list[int]
    resembles: list[bool]

    def of(self, name: str) -> np.ndarray:
        """One number a picture."""
        return np.array([getattr(picture, name) for picture in self.pictures], float)


class Eyes:
    """Looks at faces."""

    def __init__(self) -> None:
        self._dlib, self._ours = DlibRecogniser(), Recogniser()

    def extract(self, face: Face) -> Seen:
        vector = self._dlib.describe(self._dlib.crop(face).image)
        return Seen(face, vector, self._ours.describe(face))

    def see_file(self, path: Path) -> Seen | None:
        """The one face of a picture, if there is one."""
        faces = detect_faces(read_image(path)) if path.is_file() else []
        return self.extract(faces[0]) if len(faces) == 1 else None


class Panel:
    """A set's patients, and the gallery in which they are looked for: themselves and ``others``."""

    def __init__(self, cases: list[Case], others: Sequence[Face]) -> None:
        self.cases, self.eyes = cases, Eyes()
        self.shown = [[self.eyes.extract(p.face) for p in case.patient.pictures] for case in cases]
        self.rests = [
            self.eyes.extract(c.patient.rest) for c in cases if c.patient.rest is not None
        ]
        everybody = [*self.rests, *(self.eyes.extract(face) for face in others)]
        pictures = np.stack([seen.dlib for row in self.shown for seen in row])
        names = np.repeat(np.arange(len(cases)), [len(row) for row in self.shown])
        apart = names[:, None] != np.arange(len(everybody))[None]
        known = np.stack([seen.dlib for seen in everybody])
        self.threshold = threshold_at(distances(pictures, known)[apart], FALSE_ACCEPT)
        self.first = max(len(cases) - GALLERY, 0)
        self.gallery = everybody[self.first :][:GALLERY]
        self._still = np.stack([of_rest(seen.face) for seen in self.gallery])

    def patients(self, non_patients: Path) -> Row:
        """The patients' own pictures, against the non-patients at rest as all others are."""
        pictures = []
        for n, case in enumerate(self.cases):
            other = self.eyes.see_file(non_patients / case.name / "non-patient.png")
            for k, seen in enumerate(self.shown[n]):
                pictures.append(self._judged(n, k, seen, self.rests[n], other))
        return Row(pictures, [], [], [])

    def row(self, folder: Path) -> Row:
        """A row's pictures."""
        pictures, captured, redrawn, resembles = [], [], [], []
        for n, case in enumerate(self.cases):
            where = folder / case.name
            said = json.loads((where / "made.json").read_text())
            redrawn.append(said["redrawn"])
            resembles.append(said["resembles"])
            subject, other = (
                self.eyes.see_file(where / f"{name}.png") for name in ("subject", "non-patient")
            )
            if subject is not None and n >= self.first:
                apart = np.abs(self._still - of_rest(subject.face)).mean(1)
                captured.append(rank(n - self.first, apart))
            for k, picture in enumerate(case.patient.pictures):
                made = self.eyes.see_file(where / f"{picture.name}.png")
                pictures.append(self._judged(n, k, made, subject, other))
        return Row(pictures, captured, redrawn, resembles)

    def _judged(
        self, n: int, k: int, made: Seen | None, subject: Seen | None, other: Seen | None,
    ) -> Judged:  # fmt: skip
        case = self.cases[n]
        if made is None or subject is None or other is None:
            return Judged(case, ("no-face",))
        found = requested_measures(
            [case.requested[k]], made.face.landmarks[None], other.face.landmarks[None]
        )
        shown = case.patient.expression(case.patient.pictures[k])
        there = capture(shown.face, shown.rest)
        here = capture(made.face, None if shown.rest is None else subject.face)
        far = min(float(np.linalg.norm(made.dlib - own.dlib))
                  for own in (self.shown[n][k], self.rests[n]))  # fmt: skip
        verdict = Verdict(far, compare(there, here, case.patient.pictures[k].movement))
        ranks = {"dlib": np.nan, "ours": np.nan}
        if n >= self.first:
            apart = [float(np.linalg.norm(seen.dlib - made.dlib)) for seen in self.gallery]
            unlike = [-float(seen.ours @ made.ours) for seen in self.gallery]
            own = n - self.first
            ranks = {"dlib": rank(own, np.array(apart)), "ours": rank(own, np.array(unlike))}
        return Judged(
            case,
            verdict.faults,
            float(np.linalg.norm(made.dlib - self.rests[n].dlib) < self.threshold),
            float(np.linalg.norm(other.dlib - self.rests[n].dlib) < self.threshold),
            100.0 * float(found.side_accuracy()[0]) if found.clear()[0] else np.nan,
            difference(there, here),
            50 * sum(abs(there.of(side).closure - here.of(side).closure) for side in Side),
            **ranks,
        )


def difference(there: ExpressionCoefficients, here: ExpressionCoefficients) -> float:
    """Mean error of the landmarks' captured ways, per cent of the outer-eye distance."""
    return 100 * float(np.linalg.norm(displacement(there) - displacement(here), axis=1).mean())


def of_rest(face: Face) -> np.ndarray:
    """What somebody at rest is captured to do, with what no field explains of their shape."""
    found = capture(face)
    return np.concatenate([displacement(found).ravel(), found.residual[:, :2].ravel()])


def rank(own: int, apart: np.ndarray) -> float:
    """How many of a gallery are nearer than one's own, by distances (N,)."""
    return float((apart < apart[own]).sum())


HEAD = (
    "row", "matched to the patient, %", "more than the non-patient at rest, points",
    "side right, %", "captured difference off, % of the eyes' distance", "lids off, points",
    "verdict: recognised, %", "side differs, %", "movement differs, %",
    "patients redrawn / candidates redrawn / still taken",
)  # fmt: skip


def line(name: str, row: Row) -> str:
    """A row of the table, with 95 % intervals over patients."""
    groups = np.array([picture.case.name for picture in row.pictures])
    hits, floor = (np.nan_to_num(row.of(key)) for key in ("hit", "floor"))
    cells = [
        share(hits > 0, groups).text(1),
        bootstrap(100 * (hits - floor), groups=groups).text(1),
    ]
    for key, digits in (("side", 1), ("ways", 2), ("lids", 1)):
        values = row.of(key)
        known = np.isfinite(values)
        cells.append(bootstrap(values[known], groups=groups[known]).text(digits))
    for fault in ("patient-recognised", "side-differs", "movement-differs"):
        cells.append(f"{100 * np.mean([fault in p.faults for p in row.pictures]):.1f}")
    redrawn = sum(count > 0 for count in row.redrawn)
    cells.append(f"{redrawn} / {sum(row.redrawn)} / {sum(row.resembles)}")
    return table_line([name, *cells])


def table_line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def by_group(row: Row) -> Iterator[str]:
    """Sides and recognition by gender and skin of the patients."""
    for which in range(2):
        for value in sorted({picture.case.group[which] for picture in row.pictures} - {""}):
            chosen = np.array([picture.case.group[which] == value for picture in row.pictures])
            people = {p.case.name for p in row.pictures if p.case.group[which] == value}
            side, hit = (np.nanmean(row.of(key)[chosen]) for key in ("side", "hit"))
            yield table_line([f"{value} ({len(people)})", f"{side:.1f}", f"{100 * hit:.1f}"])


def report(
    title: str, cases: list[Case], others: Sequence[Face], out: Path, rows: Sequence[str]
) -> None:
    """Prints the tables of a set."""
    panel = Panel(cases, others)
    count = sum(map(len, panel.shown))
    print(f"\n## {title}\n\n{len(cases)} patients, {count} pictures; dlib below "
          f"{panel.threshold:.3f}, {100 * FALSE_ACCEPT:g} % false accepts\n")  # fmt: skip
    print(f"{table_line(HEAD)}\n{table_line(['---'] * len(HEAD))}")
    print(line("the patients themselves", panel.patients(out / rows[0] / "before")), flush=True)
    made: dict[str, Row] = {}
    for name in rows:
        for stage in ("before", "after"):
            made[f"{name}, {stage}"] = panel.row(out / name / stage)
            print(line(f"{name}, {stage}", made[f"{name}, {stage}"]), flush=True)
    count = len(panel.gallery)
    print(f"\nfound among {count} candidates at rest, % first and among five (chance "
          f"{100 / count:.1f} and {500 / count:.1f})\n")  # fmt: skip
    print(f"{table_line(['row', 'dlib', 'ours', 'captured rest'])}\n{table_line(['---'] * 4)}")
    for name, row in made.items():
        found = [row.of("dlib"), row.of("ours"), np.array(row.captured)]
        known = [ranks[np.isfinite(ranks)] for ranks in found]
        print(table_line([name, *(f"{100 * (r < 1).mean():.1f}, {100 * (r < 5).mean():.1f}"
                                  for r in known)]))  # fmt: skip
    for name, row in made.items():
        if name.endswith("after") and any(any(case.group) for case in cases):
            print(
                f"\n{table_line([name, 'side right, %', 'matched, %'])}\n{table_line(['---'] * 3)}"
            )
            print("\n".join(by_group(row)))
