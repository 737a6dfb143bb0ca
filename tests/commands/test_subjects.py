"""``palsynth subjects export``: a plan, built of options."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from palsynth.clinical import YANAGIHARA, Movement, Palsy, item_score
from palsynth.commands.subjects import ExportOptions
from palsynth.data.check import check
from palsynth.data.manifest import read_manifest
from palsynth.generation.dataset import make_dataset
from palsynth.generation.engines import processes
from palsynth.generation.identities import planned_identities
from palsynth.generation.pictures import RequestedPictures
from palsynth.generation.plan import MAX_SUBJECTS, Expressions, Identities, Palsies, Plan
from tests.commands.test_cli import complaint, run
from tests.killing import contents


def test_an_export_is_the_set_of_its_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same bytes; and one goes on with what the other has begun."""
    words = ("--subjects", 2, "--images-per-subject", 2, "--size", 64, "--seed", 3)
    out, made = tmp_path / "set", tmp_path / "made"
    assert run("subjects", "export", out, *words, "--healthy", 0.5) == 0
    assert f"{out}: 4 images of 2 identities" in capsys.readouterr().out
    plan = Plan(
        identities=Identities(2, 3),
        expressions=Expressions(palsies=Palsies(mix="random", healthy=0.5)),
        images=4,
        size=64,
        seed=3,
    )
    make_dataset(made, plan, processes(1))
    assert contents(out) == contents(made)
    sorted(made.glob("*/*/*.png"))[2].unlink()
    assert run("subjects", "export", made, *words, "--healthy", 0.5) == 0
    assert "3 of 4 images are done, 1 are left" in capsys.readouterr().err
    assert contents(out) == contents(made)
    assert check(made) == []
    for row in read_manifest(out):
        palsy = Palsy.from_dict(row.palsy or {})
        assert row.yanagihara_item == item_score(palsy, Movement(str(row.movement)))
        assert row.side == (palsy.weak_side.value if palsy.weak_side else None)


@pytest.mark.parametrize(("subjects", "each"), [(4, 10), (7, 20), (3, 5), (25, 2)])
def test_every_subject_has_its_images_of_different_movements(subjects: int, each: int) -> None:
    plan = ExportOptions(Path("x"), subjects, each).build()
    found = RequestedPictures(plan, planned_identities(plan.identities).identities)
    groups = found.groups()
    counts = Counter({k: 0 for k in range(subjects)})
    for group in groups:
        counts[group.identity] += len(group.numbers)
    assert set(counts.values()) == {each}
    for identity in range(subjects):
        shown = [k % len(YANAGIHARA) for g in groups if g.identity == identity for k in g.numbers]
        assert len(set(shown)) == min(each, len(YANAGIHARA))


def test_options_are_those_of_the_plan() -> None:
    options = ExportOptions(Path("x"), 9, 4, 96, 123, "id-photo", 0.25, evaluation=True)
    plan = options.build()
    assert plan.identities.subject_seeds() == range(123 * MAX_SUBJECTS, 123 * MAX_SUBJECTS + 9)
    assert (plan.method, plan.format) == ("subjects", "imagefolder")
    assert (plan.images, plan.size, plan.seed) == (36, 96, 123)
    assert plan.framing == "id-photo"
    assert plan.expressions == Expressions(palsies=Palsies(mix="random", healthy=0.25))


@pytest.mark.parametrize("complete", [True, False])
def test_an_export_of_an_earlier_version_is_refused_and_stays(
    complete: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As 0.1 wrote it; with a manifest if it was complete."""
    folder = tmp_path / "old"
    folder.mkdir()
    names = ("framing", "healthy", "images_per_subject", "method", "seed", "size", "subjects")
    (folder / "plan.json").write_text(json.dumps(dict.fromkeys((*names, "version"), 1)))
    if complete:
        (folder / "metadata.jsonl").touch()
    before = contents(folder)
    said = complaint(capsys, "subjects", "export", folder)
    assert "holds an export of an earlier version, which cannot be continued; give another" in said
    assert contents(folder) == before
    (folder / "plan.json").write_text("{")
    said = complaint(capsys, "subjects", "export", folder)
    assert "plan.json:1: not JSON" in said


def test_a_sample_names_ethnicities_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--count", 1, "--ethnicity", "east_asian", "--size", 64, "--out", tmp_path)
    assert run("subjects", "sample", *words) == 0
    assert ", east asian, skin tone" in capsys.readouterr().out
