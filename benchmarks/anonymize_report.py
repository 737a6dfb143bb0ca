"""The tables of ``anonymize.py``: re-identification of the patient, and the expression."""

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
"""Share of pairs of two people that dlib may match: the false accept rate."""

GALLERY = 60
"""Number of people among whom a patient is to be identified."""


@dataclass(frozen=True)
class Case:
    """One patient, with the requested movement and palsy of every picture, and the candidates (seed
    and identity) to which the pictures may be transferred; ``group``: gender and ethnicity, if
    known."""

    name: str
    patient: Patient
    requested: tuple[tuple[Movement, Palsy], ...]
    candidates: tuple[tuple[int, Identity], ...]
    group: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class EncodedFace:
    """A face, and the embeddings of both recognisers."""

    face: Face
    dlib: np.ndarray
    ours: np.ndarray


@dataclass(frozen=True)
class PictureResult:
    """The figures of one picture; NaN where one does not apply. ``hit``: whether dlib matches it to
    the patient; ``floor``: whether it matches the non-patient at rest to the patient; ``side``:
    side accuracy, per cent; ``displacement`` and ``lids``: errors of the captured expression;
    ``dlib`` and ``ours``: the patient's rank in the gallery."""

    case: Case
    faults: Sequence[str]
    hit: float = np.nan
    floor: float = np.nan
    side: float = 0.0
    displacement: float = np.nan
    lids: float = np.nan
    dlib: float = np.nan
    ours: float = np.nan


@dataclass(frozen=True)
class Row:
    """All pictures of a row; for every case the rank by the captured rest, the number of candidates
    that the gate rejected, and whether it still matches the last one to the patient."""

    pictures: list[PictureResult]
    captured: list[float]
    redrawn: list[int]
    resembles: list[bool]

    def of(self, name: str) -> np.ndarray:
        """One value per picture."""
        return np.array([getattr(picture, name) for picture in self.pictures], float)


class FaceEncoder:
    """Encodes faces by both recognisers."""

    def __init__(self) -> None:
        self._dlib, self._ours = DlibRecogniser(), Recogniser()

    def encode(self, face: Face) -> EncodedFace:
        vector = self._dlib.describe(self._dlib.crop(face).image)
        return EncodedFace(face, vector, self._ours.describe(face))

    def encode_file(self, path: Path) -> EncodedFace | None:
        """The face of a picture file, if it shows exactly one."""
        faces = detect_faces(read_image(path)) if path.is_file() else []
        return self.encode(faces[0]) if len(faces) == 1 else None


class Panel:
    """The patients of a set, and the gallery in which they are to be identified: the patients at
    rest and ``others``."""

    def __init__(self, cases: list[Case], others: Sequence[Face]) -> None:
        self.cases, self.encoder = cases, FaceEncoder()
        self.shown = [
            [self.encoder.encode(p.face) for p in case.patient.pictures] for case in cases
        ]
        self.rests = [
            self.encoder.encode(c.patient.rest) for c in cases if c.patient.rest is not None
        ]
        known_faces = [*self.rests, *(self.encoder.encode(face) for face in others)]
        pictures = np.stack([face.dlib for row in self.shown for face in row])
        names = np.repeat(np.arange(len(cases)), [len(row) for row in self.shown])
        impostors = names[:, None] != np.arange(len(known_faces))[None]
        known = np.stack([face.dlib for face in known_faces])
        self.threshold = threshold_at(distances(pictures, known)[impostors], FALSE_ACCEPT)
        self.first = max(len(cases) - GALLERY, 0)
        self.gallery = known_faces[self.first :][:GALLERY]
        self._rest_vectors = np.stack([rest_vector(face.face) for face in self.gallery])

    def patients(self, non_patients: Path) -> Row:
        """The patients' own pictures, compared with the non-patients at rest like all rows."""
        pictures = []
        for n, case in enumerate(self.cases):
            other = self.encoder.encode_file(non_patients / case.name / "non-patient.png")
            for k, face in enumerate(self.shown[n]):
                pictures.append(self._evaluate(n, k, face, self.rests[n], other))
        return Row(pictures, [], [], [])

    def row(self, folder: Path) -> Row:
        """The pictures of a row."""
        pictures, captured, redrawn, resembles = [], [], [], []
        for n, case in enumerate(self.cases):
            where = folder / case.name
            record = json.loads((where / "made.json").read_text())
            redrawn.append(record["redrawn"])
            resembles.append(record["resembles"])
            subject, other = (
                self.encoder.encode_file(where / f"{name}.png")
                for name in ("subject", "non-patient")
            )
            if subject is not None and n >= self.first:
                apart = np.abs(self._rest_vectors - rest_vector(subject.face)).mean(1)
                captured.append(rank(n - self.first, apart))
            for k, picture in enumerate(case.patient.pictures):
                made = self.encoder.encode_file(where / f"{picture.name}.png")
                pictures.append(self._evaluate(n, k, made, subject, other))
        return Row(pictures, captured, redrawn, resembles)

    def _evaluate(
        self,
        n: int,
        k: int,
        made: EncodedFace | None,
        subject: EncodedFace | None,
        other: EncodedFace | None,
    ) -> PictureResult:
        case = self.cases[n]
        if made is None or subject is None or other is None:
            return PictureResult(case, ("no-face",))
        found = requested_measures(
            [case.requested[k]], made.face.landmarks[None], other.face.landmarks[None]
        )
        shown = case.patient.expression(case.patient.pictures[k])
        target = capture(shown.face, shown.rest)
        result = capture(made.face, None if shown.rest is None else subject.face)
        far = min(
            float(np.linalg.norm(made.dlib - own.dlib)) for own in (self.shown[n][k], self.rests[n])
        )
        verdict = Verdict(far, compare(target, result, case.patient.pictures[k].movement))
        ranks = {"dlib": np.nan, "ours": np.nan}
        if n >= self.first:
            apart = [float(np.linalg.norm(face.dlib - made.dlib)) for face in self.gallery]
            unlike = [-float(face.ours @ made.ours) for face in self.gallery]
            own = n - self.first
            ranks = {"dlib": rank(own, np.array(apart)), "ours": rank(own, np.array(unlike))}
        return PictureResult(
            case,
            verdict.faults,
            float(np.linalg.norm(made.dlib - self.rests[n].dlib) < self.threshold),
            float(np.linalg.norm(other.dlib - self.rests[n].dlib) < self.threshold),
            100.0 * float(found.side_accuracy()[0]) if found.clear()[0] else np.nan,
            displacement_error(target, result),
            50 * sum(abs(target.of(side).closure - result.of(side).closure) for side in Side),
            **ranks,
        )


def displacement_error(target: ExpressionCoefficients, result: ExpressionCoefficients) -> float:
    """Mean error of the captured landmark displacements, per cent of the outer-eye distance."""
    return 100 * float(np.linalg.norm(displacement(target) - displacement(result), axis=1).mean())


def rest_vector(face: Face) -> np.ndarray:
    """The captured displacements of a face at rest, and the residual of its shape."""
    found = capture(face)
    return np.concatenate([displacement(found).ravel(), found.residual[:, :2].ravel()])


def rank(own: int, apart: np.ndarray) -> float:
    """How many of the gallery are nearer than the patient, by distances (N,); ``own`` is the
    patient's index."""
    return float((apart < apart[own]).sum())


HEAD = (
    "row",
    "matched to the patient, %",
    "difference to the non-patient at rest, points",
    "side accuracy, %",
    "displacement error, %",
    "lid closure error, points",
    "verdict: recognised, %",
    "side differs, %",
    "movement differs, %",
    "patients resampled / candidates rejected / patients still matched",
)


def row_line(name: str, row: Row) -> str:
    """A row of the table, with 95 % intervals over patients."""
    groups = np.array([picture.case.name for picture in row.pictures])
    hits, floor = (np.nan_to_num(row.of(key)) for key in ("hit", "floor"))
    cells = [
        share(hits > 0, groups).text(1),
        bootstrap(100 * (hits - floor), groups=groups).text(1),
    ]
    for key, digits in (("side", 1), ("displacement", 2), ("lids", 1)):
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
    """Side accuracy and matches by gender and ethnicity of the patients."""
    for which in range(2):
        for value in sorted({picture.case.group[which] for picture in row.pictures} - {""}):
            chosen = np.array([picture.case.group[which] == value for picture in row.pictures])
            people = {p.case.name for p in row.pictures if p.case.group[which] == value}
            side, hit = (np.nanmean(row.of(key)[chosen]) for key in ("side", "hit"))
            yield table_line([f"{value} ({len(people)})", f"{side:.1f}", f"{100 * hit:.1f}"])


def print_report(
    title: str, cases: list[Case], others: Sequence[Face], out: Path, rows: Sequence[str]
) -> None:
    """Prints the tables of a set."""
    panel = Panel(cases, others)
    count = sum(map(len, panel.shown))
    print(
        f"\n## {title}\n\n{len(cases)} patients, {count} pictures; dlib below "
        f"{panel.threshold:.3f}, {100 * FALSE_ACCEPT:g} % false accepts\n"
    )
    print(f"{table_line(HEAD)}\n{table_line(['---'] * len(HEAD))}")
    print(row_line("the patients themselves", panel.patients(out / rows[0] / "before")), flush=True)
    made: dict[str, Row] = {}
    for name in rows:
        for stage in ("before", "after"):
            made[f"{name}, {stage}"] = panel.row(out / name / stage)
            print(row_line(f"{name}, {stage}", made[f"{name}, {stage}"]), flush=True)
    count = len(panel.gallery)
    print(
        f"\nidentification among {count} people at rest: rank 1, rank 5, % (chance "
        f"{100 / count:.1f} and {500 / count:.1f})\n"
    )
    print(f"{table_line(['row', 'dlib', 'ours', 'captured rest'])}\n{table_line(['---'] * 4)}")
    for name, row in made.items():
        found = [row.of("dlib"), row.of("ours"), np.array(row.captured)]
        known = [ranks[np.isfinite(ranks)] for ranks in found]
        print(
            table_line(
                [name, *(f"{100 * (r < 1).mean():.1f}, {100 * (r < 5).mean():.1f}" for r in known)]
            )
        )
    for name, row in made.items():
        if name.endswith("after") and any(any(case.group) for case in cases):
            print(f"\n{table_line([name, 'side accuracy, %', 'matched, %'])}")
            print(table_line(["---"] * 3))
            print("\n".join(by_group(row)))
