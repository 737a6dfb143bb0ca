"""Anonymizing: is the patient recognised, and is the expression still the patient's?

    palsynth benchmark vp-patients --out VP
    palsynth benchmark half-smiles --photographs LONDON --out HS
    python benchmarks/anonymize.py --vp VP --half-smiles HS --out OUT [--rows anonymize ...]

Patients who do not exist (VP, 63 x 10) and photographed half-smiles of test people (HS, 4 each), as
each method shows them on somebody else: the first candidate that comes (before), and the first whom
the gate passes (after). Pictures stay in OUT; start the same command again to go on.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from anonymize_report import Case, report
from palsynth.clinical import Movement, Palsy
from palsynth.data.manifest import read_manifest
from palsynth.data.pairs import Pair, read_pairs
from palsynth.face.detect import read_face
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.face.images import write_png
from palsynth.generation.anonymize import Anonymization, How, anonymize, fixed
from palsynth.generation.patient import Patient, PatientPicture
from palsynth.methods.base import (
    Expression,
    Identity,
    Method,
    Request,
    TargetExpression,
    get_method,
)
from palsynth.subjects import EVALUATION_SEEDS, sample

NON_PATIENTS = EVALUATION_SEEDS + 4000
"""Seeds of the set's own non-patients, the first candidates."""

FURTHER = EVALUATION_SEEDS + 20_000
"""Seeds of candidates after the first, a hundred a patient."""

MOST_TRIED = 12
"""Candidates a patient: edges that carry a face are taken for the patient whoever shows them."""

METHODS = {
    "anonymize": "captured",
    "PF + captured": "controlnet-pf-captured",
    "PF, eyes and mouth": "controlnet-pf-eyes-mouth",
    "PF + CODC": "controlnet-pf-codc",
}
"""Row -> method that is given the patient's pictures."""

WORDS = "simulator in words"
"""Row that is told movement and palsy and sees no patient."""


class Told:
    """The simulator in words, as a method that takes pictures: it looks the words up."""

    name = "captured"
    takes_pictures = True
    synthetic = True

    def __init__(self, case: Case) -> None:
        requested = dict(
            zip((id(p.face) for p in case.patient.pictures), case.requested, strict=True)
        )
        self._requested, self._method = requested, get_method("captured")

    def __call__(self, requests: list[Request]) -> list[np.ndarray]:
        return self._method([replace(r, expression=self._words(r.expression)) for r in requests])

    def _words(self, shown: Expression) -> TargetExpression:
        if isinstance(shown, TargetExpression) or shown.face is shown.rest:
            return TargetExpression(Movement.REST, Palsy.none())
        return TargetExpression(*self._requested[id(shown.face)])


def grouped(folder: Path, key: Callable[[Pair], str]) -> dict[str, list[Pair]]:
    found: dict[str, list[Pair]] = {}
    for pair in read_pairs(folder / "pairs.csv"):
        found.setdefault(key(pair), []).append(pair)
    return found


def people(first: int, number: int) -> tuple[tuple[int, Identity], ...]:
    seeds = [first, *range(FURTHER + 100 * number, FURTHER + 100 * number + MOST_TRIED - 1)]
    return tuple((seed, sample(seed)) for seed in seeds)


def case_of(folder: Path, name: str, pairs: list[Pair], candidates) -> Case:  # type: ignore[no-untyped-def]
    pictures = [
        PatientPicture(Path(p.name).stem, p.requested()[0], read_face(folder / p.expression))
        for p in pairs
    ]
    rest = read_face(folder / pairs[0].expression_identity)
    requested = tuple((m, palsy or Palsy.none()) for m, palsy in (p.requested() for p in pairs))
    group = (pairs[0].gender, pairs[0].ethnicity)
    return Case(name, Patient(tuple(pictures), rest), requested, candidates, group)


def virtual(folder: Path, count: int | None) -> Iterator[Case]:
    """The patients who do not exist."""
    found = grouped(folder, lambda p: p.name[:4])
    for name, pairs in islice(found.items(), count):
        yield case_of(folder, name, pairs, people(NON_PATIENTS + int(name), int(name)))


def photographed(folder: Path, on_each_other: bool) -> Iterator[Case]:
    """Test people's half-smiles on people who do not exist, or on the other test people."""
    split = {row.subject_id: row.split for row in read_manifest(folder / "self")}
    found = grouped(folder / "self", lambda p: p.subject)
    tested = [name for name in found if split[name] == "test"]
    for k, name in enumerate(tested):
        candidates = people(NON_PATIENTS + 500 + k, 500 + k)
        if on_each_other:
            others = [tested[(k + step) % len(tested)] for step in range(1, len(tested))]
            candidates = tuple(
                (0, read_face(folder / "self" / found[other][0].identity)) for other in others
            )
        yield case_of(folder / "self", name, found[name], candidates)


def apart(folder: Path) -> list[Face]:
    """Everybody else of a half-smiles set, at rest."""
    rows = [row for row in read_manifest(folder / "self") if row.split != "test"]
    at_rest = [row.file_name for row in rows if row.movement == Movement.REST.value]
    return [read_face(folder / "self" / name) for name in at_rest]


def draw(case: Case, method: Method, folder: Path, size: int) -> None:
    """Pictures of a case before and after the gate, where they are missing."""
    done = folder / "after" / case.name / "made.json"
    if done.is_file():
        return
    begin = time.perf_counter()
    how = How(size)
    seed, first = case.candidates[0]
    before = anonymize(case.patient, fixed(first, seed), method, how)
    after = before
    if before.resembles:
        after = anonymize(case.patient, iter(case.candidates[1:]), method, how)
        after = replace(after, redrawn=after.redrawn + 1)
    for stage, made in (("before", before), ("after", after)):
        keep(folder / stage / case.name, made, time.perf_counter() - begin)


def keep(folder: Path, made: Anonymization, seconds: float) -> None:
    for picture in made.pictures:
        write_png(folder / f"{picture.picture.name}.png", picture.image)
    if made.rest is not None:
        write_png(folder / "subject.png", made.rest.image)
    still = TargetExpression(Movement.REST, Palsy.none())
    request = Request(made.subject, still, size=256, framing=PORTRAIT)
    write_png(folder / "non-patient.png", get_method("captured")([request])[0])
    said = {"redrawn": made.redrawn, "resembles": made.resembles, "seconds": seconds}
    (folder / "made.json").write_text(json.dumps(said))


def make(cases: list[Case], out: Path, rows: list[str], size: int) -> None:
    for name in rows:
        method = None if name == WORDS else get_method(METHODS[name])
        begin = time.perf_counter()
        for case in cases:
            draw(case, method or Told(case), out / name, size)  # type: ignore[arg-type]
        print(f"{out / name}: {time.perf_counter() - begin:.0f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vp", type=Path)
    parser.add_argument("--half-smiles", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", nargs="*", default=[WORDS, *METHODS])
    parser.add_argument("--patients", type=int, help="of VP, the first so many")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--only-draw", action="store_true")
    parser.add_argument("--only-report", action="store_true")
    options = parser.parse_args()
    rows = options.rows
    if options.vp:
        cases = list(virtual(options.vp, options.patients))
        done("Patients who do not exist", cases, [], options.out / "vp", rows, options)
    if options.half_smiles:
        title = "Photographed half-smiles of test people on"
        out, others = options.out / "photographed", apart(options.half_smiles)
        cases = list(photographed(options.half_smiles, False))
        done(f"{title} people who do not exist", cases, others, out, rows, options)
        cases = list(photographed(options.half_smiles, True))
        done(f"{title} one another", cases, others, options.out / "each-other", rows, options)


def done(
    title: str, cases: list[Case], others: list[Face], out: Path, rows: list[str],
    options: argparse.Namespace,
) -> None:  # fmt: skip
    if not options.only_report:
        make(cases, out, rows, options.size)
    if not options.only_draw:
        report(title, cases, others, out, rows)


if __name__ == "__main__":
    main()
