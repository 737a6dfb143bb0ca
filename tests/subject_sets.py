"""Small data sets of synthetic subjects, as plans make them but without gate and card, which take
longer than the pictures."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from palsynth.data.manifest import Row
from palsynth.data.writer import DatasetWriter
from palsynth.generation.identities import planned_identities
from palsynth.generation.measured import outline
from palsynth.generation.pictures import RequestedPictures
from palsynth.generation.plan import Expressions, Identities, Palsies, Plan
from palsynth.generation.runner import generate
from palsynth.methods.subjects import SubjectsMethod
from palsynth.training.recipe_file import to_plain


def subjects_plan(subjects: int, images_per_subject: int, seed: int, **fields: Any) -> Plan:
    """A plan as ``palsynth subjects export`` builds it.

    Args:
        subjects: how many subjects.
        images_per_subject: how many images of each.
        seed: the plan's seed and that of the subjects.
        **fields: further fields of the plan.

    Returns:
        The plan.
    """
    random_ = Expressions(palsies=Palsies(mix="random"))
    total = subjects * images_per_subject
    given = {"expressions": random_, "images": total, "seed": seed, **fields}
    return Plan(identities=Identities(subjects, seed), **given)


def write_subjects(folder: Path, plan: Plan) -> list[Row]:
    """Writes all pictures of a plan of synthetic subjects.

    Args:
        folder: the data set, new or empty.
        plan: the plan.

    Returns:
        The rows of its manifest.
    """
    pictures = RequestedPictures(plan, planned_identities(plan.identities).identities)
    planned = [
        pictures.planned(group.identity, k) for group in pictures.groups() for k in group.numbers
    ]
    requests = [one.request for one in planned]
    made = generate(SubjectsMethod(), requests, variety=plan.variety, camera=plan.camera)
    writer = DatasetWriter(folder, {"plan": to_plain(asdict(plan))})
    for one, picture in zip(planned, made, strict=True):
        assert picture.landmarks is not None
        row = one.row(picture)
        points = outline(picture.landmarks)
        writer.add(picture.image, replace(row, attributes=row.attributes | points))
    return writer.finish([one.file_name for one in planned])
