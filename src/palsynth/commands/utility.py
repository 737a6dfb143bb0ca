"""``palsynth utility``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from palsynth.errors import InputError
from palsynth.files import outside


@dataclass(frozen=True)
class UtilityOptions:
    """Trains a grader on real, on synthetic and on both, and tests each on real images.

    Start it again to go on where it stopped.
    """

    real: Path
    """A dataset folder; graders train on its train split."""
    synthetic: Path
    """A dataset folder of synthetic images; graders train on its train split."""
    out: Path
    """Folder of the runs and of utility.html, .md and .json."""
    test: Path | None = None
    """A dataset folder whose test split is graded; that of --real where nothing is said."""
    recipe: Path | None = None
    """A recipe (kind: grader) in place of the usual one; its folders and seed are filled in."""
    seeds: int = 3
    """Graders a row, whose figures are averaged."""


def utility(options: UtilityOptions) -> None:
    """Trains a grader on real, on synthetic and on both, and tests each on real images."""
    from palsynth.data.pictures import pictures
    from palsynth.encoders.grader import GraderRecipe
    from palsynth.evaluation.document import CARE, Document, Table, print_table, write_document
    from palsynth.training.kinds import load_recipe
    from palsynth.utility.protocol import (
        FEW,
        FIGURES,
        check_sets,
        counted,
        difference,
        figures,
        grade,
        train_graders,
    )

    if options.seeds < 1:
        raise InputError(f"--seeds {options.seeds}: must be at least 1")
    recipe = GraderRecipe() if options.recipe is None else load_recipe(options.recipe)
    if not isinstance(recipe, GraderRecipe):
        raise InputError(f"{options.recipe}: is no recipe of a grader")
    test = options.test or options.real
    outside(options.out, options.real, options.synthetic, test)
    check_sets(options.real, options.synthetic, test, options.out)
    counts = {
        "real": counted(pictures(options.real, ("train",))),
        "synthetic": counted(pictures(options.synthetic, ("train",))),
        "test": counted(pictures(test, ("test",))),
    }
    weights = train_graders(recipe, options.real, options.synthetic, options.seeds, options.out)
    graded = {row: [grade(w, test, ("test",)) for w in found] for row, found in weights.items()}
    found = {row: figures(g) for row, g in graded.items()}
    columns = [name for name in FIGURES if any(name in f for f in found.values())]
    rows = [[row, *(f[name].text() for name in columns)] for row, f in found.items()]
    images = recipe.loop.steps * recipe.loop.batch
    remarks = [
        f"Trained on: real {counts['real']}, synthetic {counts['synthetic']}; "
        f"tested on {counts['test']}.",
        f"Every row: {images} examples seen, mean of {options.seeds}; brackets are 95 % "
        "bootstrap intervals over subjects; how far other seeds would fall is not in them.",
    ]
    subjects = len({row.subject_id for row in pictures(test, ("test",))})
    gaps = {}
    for row in ("synthetic", "real + synthetic"):
        if "item kappa ↑" in columns:
            gaps[row] = difference(graded[row], graded["real"])
            remarks.append(f"Item kappa of {row} less that of real: {gaps[row].text()}.")
    if subjects < FEW:
        remarks.append(
            f"The test set has {subjects} subjects only: an interval over so few means little."
        )
    table = Table("Graders", ["trained on", *columns], rows, hints=["", *map(FIGURES.get, columns)])  # type: ignore[list-item]
    document = Document("Does the synthetic data help?", CARE, [table], remarks)
    data = {
        "counts": counts,
        "figures": {row: {n: asdict(v) for n, v in f.items()} for row, f in found.items()},
        "item_kappa_less_real": {row: asdict(gap) for row, gap in gaps.items()},
    }
    write_document(options.out, "utility", document, data)
    print_table(table)
    for remark in remarks:
        print(f"- {remark}")
    print(f"{options.out / 'utility.html'}")
