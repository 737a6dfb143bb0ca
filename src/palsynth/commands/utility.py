"""``palsynth utility``."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from palsynth.errors import InputError
from palsynth.guards import forbid_inside
from palsynth.terminal import say

if TYPE_CHECKING:
    from palsynth.evaluation.intervals import Figure


@dataclass(frozen=True)
class UtilityOptions:
    """Train a grader on real, on synthetic and on both sets, and test each on real images.

    Run the command again to resume.
    """

    real: Path
    """Dataset folder of real images, whose train split is trained on."""
    synthetic: Path
    """Dataset folder of synthetic images, whose train split is trained on."""
    out: Path
    """Output folder of the runs and utility.html, .md and .json."""
    test: Path | None = None
    """Dataset folder whose test split is graded; default: that of --real."""
    recipe: Path | None = None
    """Recipe of kind grader, whose folders and seed are set here; default: that of the grader."""
    seeds: int = 3
    """Number of graders per row, at least 1, whose figures are averaged."""


def utility(options: UtilityOptions) -> None:
    """Train a grader on real, on synthetic and on both sets, and test each on real images."""
    from palsynth.data.pictures import pictures
    from palsynth.encoders.grader import GraderRecipe
    from palsynth.evaluation.document import CARE, Document, Table, print_table, write_document
    from palsynth.training.kinds import load_recipe
    from palsynth.utility.figures import FIGURES, difference, figures
    from palsynth.utility.graded import grade
    from palsynth.utility.protocol import check_sets, counted, train_graders

    if options.seeds < 1:
        raise InputError(f"--seeds {options.seeds}: must be at least 1")
    recipe = GraderRecipe() if options.recipe is None else load_recipe(options.recipe)
    if not isinstance(recipe, GraderRecipe):
        raise InputError(f"{options.recipe}: is no recipe of a grader")
    test = options.test or options.real
    forbid_inside(options.out, options.real, options.synthetic, test)
    check_sets(options.real, options.synthetic, test, options.out)
    counts = {
        "real": counted(pictures(options.real, ("train",))),
        "synthetic": counted(pictures(options.synthetic, ("train",))),
        "test": counted(pictures(test, ("test",))),
    }
    weights = train_graders(recipe, options.real, options.synthetic, options.seeds, options.out)
    found = iter(grade([path for runs in weights.values() for path in runs], test, ("test",)))
    graded = {row: [next(found) for _ in runs] for row, runs in weights.items()}
    results = {row: figures(g) for row, g in graded.items()}
    columns = [name for name in FIGURES if any(name in f for f in results.values())]
    rows = [[row, *(_text(f[name]) for name in columns)] for row, f in results.items()]
    gaps = {}
    if "item kappa ↑" in columns:
        for row in ("synthetic", "real + synthetic"):
            gaps[row] = difference(graded[row], graded["real"])
    subjects = len({row.subject_id for row in pictures(test, ("test",))})
    examples = recipe.loop.steps * recipe.loop.batch
    undefined = [name for name in columns if math.isnan(results["real"][name].value)]
    remarks = _remarks(counts, examples, options.seeds, gaps, subjects, undefined)
    if recipe.model.features != "scratch":
        remarks.append(
            "The graders see features of encoders that the simulator's pictures trained, in every "
            "row; what synthetic pictures teach a grader from its first layer on, the recipe "
            "field model.features scratch shows."
        )
    table = Table("Graders", ["trained on", *columns], rows, hints=["", *map(FIGURES.get, columns)])  # type: ignore[list-item]
    document = Document("Does the synthetic data help?", CARE, [table], remarks)
    if any("–" in row for row in rows):
        remarks.append("–: not defined, as all scores and all predictions are the same.")
    data = {
        "counts": counts,
        "figures": {row: {n: asdict(v) for n, v in f.items()} for row, f in results.items()},
        "item_kappa_less_real": {row: asdict(gap) for row, gap in gaps.items()},
    }
    write_document(options.out, "utility", document, data)
    print_table(table)
    for remark in remarks:
        say(f"- {remark}")
    print(f"{options.out / 'utility.html'}")


def _text(figure: Figure) -> str:
    return "undefined" if math.isnan(figure.value) else figure.text()


def _remarks(
    counts: dict[str, str],
    examples: int,
    seeds: int,
    gaps: dict[str, Figure],
    subjects: int,
    undefined: list[str],
) -> list[str]:
    """The notes below the table; ``gaps`` are differences of item kappa to the row ``real``, and
    ``undefined`` the columns without a value."""
    from palsynth.utility.protocol import FEW

    remarks = [
        f"Trained on: real {counts['real']}, synthetic {counts['synthetic']}; "
        f"tested on {counts['test']}.",
        f"Every row: {examples} examples seen, mean of {seeds}; brackets are 95 % bootstrap "
        "intervals over subjects, which do not include the variation between seeds.",
    ]
    for row, gap in gaps.items():
        remarks.append(f"Item kappa of {row} minus that of real: {_text(gap)}.")
    for column in undefined:
        label = column.split()[0]
        remarks.append(
            f"The {label} kappa is undefined: all {label}s of the test set are the same. No grader "
            "can be told from one that always gives this answer."
        )
    if subjects < FEW:
        remarks.append(
            f"The test set has only {subjects} subjects: an interval over so few is unreliable."
        )
    return remarks
