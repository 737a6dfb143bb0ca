"""Anonymization: is the patient recognised, and is the expression still the patient's?

    palsynth benchmark vp-patients --out VP
    palsynth benchmark half-smiles --photographs LONDON --out HS
    python benchmarks/anonymize.py --vp VP --half-smiles HS --out OUT [--rows anonymize ...]

Every method transfers synthetic patients (VP, 63 x 10) and photographed half-smiles of the test
people (HS, 4 each) to another face: to the first candidate (before the gate), and to the first
candidate that the gate accepts (after). Pictures are saved in OUT; start the same command again to
resume.
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

from anonymize_report import Case, print_report
from palsynth.clinical import Movement, Palsy
from palsynth.data.manifest import read_manifest
from palsynth.data.pairs import Pair, read_pairs
from palsynth.face.detect import read_face
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.face.images import write_png
from palsynth.generation.anonymize import (
    Anonymization,
    RequestSettings,
    anonymize,
    single_candidate,
)
from palsynth.generation.patient import Patient, PatientPicture
from palsynth.methods.base import (
    Expression,
    ExpressionImage,
    Identity,
    Method,
    Request,
    TargetExpression,
)
from palsynth.methods.registry import get_method
from palsynth.subjects import EVALUATION_SEEDS, sample

NON_PATIENTS = EVALUATION_SEEDS + 4000
"""First seed of the set's own non-patients, which are the first candidates."""

FURTHER_CANDIDATES = EVALUATION_SEEDS + 20_000
"""First seed of the further candidates, a hundred seeds per patient."""

MAX_CANDIDATES = 12
"""Candidates per patient: edges that carry a face are matched to the patient on any candidate."""

METHODS = {
    "anonymize": "captured",
    "PF + captured": "controlnet-pf-captured",
    "PF, eyes and mouth": "controlnet-pf-eyes-mouth",
    "PF + CODC": "controlnet-pf-codc",
}
"""Row -> method, conditioned on the patient's pictures."""

REQUESTED = "simulator, requested palsy"
"""Row that gets the requested movement and palsy and no picture of the patient."""


class RequestedSimulator:
    """The simulator as a method that takes pictures: it looks up the movement and palsy that were
    requested of each."""

    name = "captured"
    takes = frozenset({ExpressionImage, TargetExpression})
    synthetic = True

    def __init__(self, case: Case) -> None:
        requested = dict(
            zip((id(p.face) for p in case.patient.pictures), case.requested, strict=True)
        )
        self._requested, self._method = requested, get_method("captured")

    def __call__(self, requests: list[Request]) -> list[np.ndarray]:
        return self._method([replace(r, expression=self._target(r.expression)) for r in requests])

    def _target(self, expression: Expression) -> TargetExpression:
        if isinstance(expression, TargetExpression) or expression.face is expression.rest:
            return TargetExpression(Movement.REST, Palsy.none())
        return TargetExpression(*self._requested[id(expression.face)])


def grouped_pairs(folder: Path, key: Callable[[Pair], str]) -> dict[str, list[Pair]]:
    groups: dict[str, list[Pair]] = {}
    for pair in read_pairs(folder / "pairs.csv"):
        groups.setdefault(key(pair), []).append(pair)
    return groups


def synthetic_candidates(first: int, number: int) -> tuple[tuple[int, Identity], ...]:
    start = FURTHER_CANDIDATES + 100 * number
    seeds = [first, *range(start, start + MAX_CANDIDATES - 1)]
    return tuple((seed, sample(seed)) for seed in seeds)


def make_case(
    folder: Path, name: str, pairs: list[Pair], candidates: tuple[tuple[int, Identity], ...]
) -> Case:
    pictures = [
        PatientPicture(Path(p.name).stem, p.requested()[0], read_face(folder / p.expression))
        for p in pairs
    ]
    rest = read_face(folder / pairs[0].expression_identity)
    requested = tuple((m, palsy or Palsy.none()) for m, palsy in (p.requested() for p in pairs))
    group = (pairs[0].gender, pairs[0].ethnicity)
    return Case(name, Patient(tuple(pictures), rest), requested, candidates, group)


def synthetic_cases(folder: Path, count: int | None) -> Iterator[Case]:
    """The synthetic patients."""
    groups = grouped_pairs(folder, lambda p: p.name[:4])
    for name, pairs in islice(groups.items(), count):
        yield make_case(
            folder, name, pairs, synthetic_candidates(NON_PATIENTS + int(name), int(name))
        )


def photographed_cases(folder: Path, on_each_other: bool) -> Iterator[Case]:
    """Half-smiles of the test people on synthetic subjects, or on the other test people."""
    split = {row.subject_id: row.split for row in read_manifest(folder / "self")}
    groups = grouped_pairs(folder / "self", lambda p: p.subject)
    test_people = [name for name in groups if split[name] == "test"]
    for k, name in enumerate(test_people):
        candidates = synthetic_candidates(NON_PATIENTS + 500 + k, 500 + k)
        if on_each_other:
            count = len(test_people)
            others = [test_people[(k + step) % count] for step in range(1, count)]
            candidates = tuple(
                (0, read_face(folder / "self" / groups[other][0].identity)) for other in others
            )
        yield make_case(folder / "self", name, groups[name], candidates)


def other_people(folder: Path) -> list[Face]:
    """The people of a half-smiles set who are not test people, at rest."""
    rows = [row for row in read_manifest(folder / "self") if row.split != "test"]
    at_rest = [row.file_name for row in rows if row.movement == Movement.REST.value]
    return [read_face(folder / "self" / name) for name in at_rest]


def generate(case: Case, method: Method, folder: Path, size: int) -> None:
    """Generates the pictures of a case before and after the gate, unless they exist."""
    record = folder / "after" / case.name / "made.json"
    if record.is_file():
        return
    start = time.perf_counter()
    settings = RequestSettings(size)
    seed, first = case.candidates[0]
    before = anonymize(case.patient, single_candidate(first, seed), method, settings)
    after = before
    if before.resembles:
        after = anonymize(case.patient, iter(case.candidates[1:]), method, settings)
        after = replace(after, num_rejected=after.num_rejected + 1)
    for stage, made in (("before", before), ("after", after)):
        save(folder / stage / case.name, made, time.perf_counter() - start)


def save(folder: Path, made: Anonymization, seconds: float) -> None:
    for picture in made.pictures:
        write_png(folder / f"{picture.picture.name}.png", picture.image)
    if made.rest is not None:
        write_png(folder / "subject.png", made.rest.image)
    rest = TargetExpression(Movement.REST, Palsy.none())
    request = Request(made.subject, rest, size=256, framing=PORTRAIT)
    write_png(folder / "non-patient.png", get_method("captured")([request])[0])
    record = {"redrawn": made.num_rejected, "resembles": made.resembles, "seconds": seconds}
    (folder / "made.json").write_text(json.dumps(record))


def generate_rows(cases: list[Case], out: Path, rows: list[str], size: int) -> None:
    for name in rows:
        method = None if name == REQUESTED else get_method(METHODS[name])
        start = time.perf_counter()
        for case in cases:
            generate(case, method or RequestedSimulator(case), out / name, size)  # type: ignore[arg-type]
        print(f"{out / name}: {time.perf_counter() - start:.0f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vp", type=Path)
    parser.add_argument("--half-smiles", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", nargs="*", default=[REQUESTED, *METHODS])
    parser.add_argument("--patients", type=int, help="only this many patients of VP")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--only-draw", action="store_true")
    parser.add_argument("--only-report", action="store_true")
    options = parser.parse_args()
    rows = options.rows
    if options.vp:
        cases = list(synthetic_cases(options.vp, options.patients))
        evaluate("Synthetic patients", cases, [], options.out / "vp", rows, options)
    if options.half_smiles:
        title = "Photographed half-smiles of test people on"
        out, others = options.out / "photographed", other_people(options.half_smiles)
        cases = list(photographed_cases(options.half_smiles, False))
        evaluate(f"{title} synthetic subjects", cases, others, out, rows, options)
        cases = list(photographed_cases(options.half_smiles, True))
        evaluate(f"{title} one another", cases, others, options.out / "each-other", rows, options)


def evaluate(
    title: str,
    cases: list[Case],
    others: list[Face],
    out: Path,
    rows: list[str],
    options: argparse.Namespace,
) -> None:
    if not options.only_report:
        generate_rows(cases, out, rows, options.size)
    if not options.only_draw:
        print_report(title, cases, others, out, rows)


if __name__ == "__main__":
    main()
