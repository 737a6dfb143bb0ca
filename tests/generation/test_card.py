"""The card of a data set says what is in the set, in numbers that can be counted again."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.data.check import check
from palsynth.data.hub import CONTACT_SHEET
from palsynth.data.manifest import Row, read_manifest
from palsynth.face.label import DigitalSource, digital_source
from palsynth.generation.card import CARD, Finished, _caption, card_text
from palsynth.generation.card_figures import counts, gate_counts, requested_figures, similarities
from palsynth.generation.dataset import make_dataset
from palsynth.generation.engines import processes
from palsynth.generation.licences import UNKNOWN, licence_of, licences
from palsynth.generation.plan import Expressions, Identities, Plan, load_plan

PLAN = Plan(identities=Identities(subjects=3, seed=3), images=12, size=64, seed=9)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("card") / "set"
    make_dataset(out, PLAN, processes(1))
    return out


def _header(text: str) -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load(text.split("---\n")[1])
    return found


def test_the_header_is_what_the_hub_reads(folder: Path) -> None:
    header = _header((folder / CARD).read_text("utf-8"))
    assert header["license"] == "cc-by-4.0"
    assert header["size_categories"] == ["n<1K"]
    assert header["task_categories"] == ["image-classification"]
    (config,) = header["configs"]  # type: ignore[misc]
    splits = {row.split for row in read_manifest(folder)}
    assert {one["split"]: one["path"] for one in config["data_files"]} == {
        split: f"{split}/**" for split in splits
    }


def test_datasets_reads_the_set_by_its_card(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    found = datasets.load_dataset(str(folder), cache_dir=str(tmp_path))
    rows = read_manifest(folder)
    for split in {row.split for row in rows}:
        own = [row for row in rows if row.split == split]
        assert sorted(found[split]["movement"]) == sorted(str(row.movement) for row in own)


def test_the_plan_in_the_card_is_the_plan(folder: Path, tmp_path: Path) -> None:
    text = (folder / CARD).read_text("utf-8").split("```yaml\n")[1].split("```")[0]
    (tmp_path / "plan.yaml").write_text(text)
    assert load_plan(tmp_path / "plan.yaml") == PLAN


def test_the_card_is_the_same_in_whatever_order_workers_end(folder: Path, tmp_path: Path) -> None:
    make_dataset(tmp_path / "set", PLAN, lambda work, groups: map(work, reversed(groups)))
    for name in (CARD, CONTACT_SHEET):
        one, two = (hashlib.sha256((f / name).read_bytes()) for f in (folder, tmp_path / "set"))
        assert one.hexdigest() == two.hexdigest()


def test_the_contact_sheet_shows_the_set_and_is_no_picture_of_it(folder: Path) -> None:
    assert digital_source(folder / CONTACT_SHEET) is DigitalSource.TRAINED
    with Image.open(folder / CONTACT_SHEET) as picture:
        assert picture.width > 6 * 128
    assert [f for f in check(folder, faces=False) if f.kind == "unlisted"] == []
    assert f"]({CONTACT_SHEET})" in (folder / CARD).read_text("utf-8")


def test_what_somebody_added_to_a_card_stays(folder: Path) -> None:
    before = (folder / CARD).read_text("utf-8")
    (folder / CARD).write_text(before + "\nOur ethics vote: 12/34\n", "utf-8")
    make_dataset(folder, PLAN, processes(1))
    assert "12/34" in (folder / CARD).read_text("utf-8")
    (folder / CARD).write_text(before, "utf-8")


def _finished(folder: Path, plan: Plan) -> Finished:
    record = {"method": plan.method, "version": "0", "weights_sha256": "ab" * 32}
    return Finished(folder, plan, record, read_manifest(folder), [], np.eye(3))


def test_a_set_of_people_has_no_licence_of_ours_and_names_no_path(folder: Path) -> None:
    identities = Identities(photographs=Path("/home/jane-doe/photographs"))
    plan = Plan(method="simulator", identities=identities)
    text = card_text(_finished(folder, plan))
    assert _header(text)["license"] == "other"
    assert "the people of your own photographs" in text
    assert "jane-doe" not in text
    assert "photographs: true" in text
    assert "ab" * 32 in text
    patients = replace(PLAN, method="captured", expressions=Expressions(patients=Path("/x/clinic")))
    text = card_text(_finished(folder, patients))
    assert "palsynth audit" in text
    assert "Labels are those of the patients" in text
    assert _header(text)["license"] == "other"


def test_shards_are_named_where_there_are_shards(folder: Path) -> None:
    text = card_text(_finished(folder, replace(PLAN, format="webdataset", shard=2)))
    (config,) = _header(text)["configs"]  # type: ignore[misc]
    assert config["data_files"][0]["path"] == "shards/train-*.tar"
    train = sum(row.split == "train" for row in read_manifest(folder))
    assert f"shards/train-{{00000..{(train - 1) // 2:05d}}}.tar" in text


def _row(k: int, palsy: Palsy | None, asymmetry: float | None, item: int | None) -> Row:
    return Row.for_request(
        f"{k}.png",
        f"s{k % 3}",
        Movement.GRIN,
        palsy,
        split="train",
        measured={"asymmetry": asymmetry, "yanagihara_item": item, "attempts": 1 + k % 2},
    )


def test_figures_compare_what_was_requested_with_what_was_measured() -> None:
    left, right = (Palsy.peripheral(side, Grade.V) for side in Side)
    slight = Palsy.peripheral(Side.LEFT, Grade.II)
    rows = [
        _row(0, left, 5.0, 0),
        _row(1, right, -6.0, 0),
        _row(2, right, 3.0, 4),  # the other side
        _row(3, left, None, None),  # not measured: the side is not right
        _row(4, slight, -9.0, 4),  # not clear: does not count for the side
        _row(5, Palsy.none(), 0.1, 4),
    ]
    few = requested_figures(rows)
    assert [text for _, text, _ in few] == ["–"] * 5
    assert few[0][2] == "4 pictures: too few"
    assert few[1][2] == "0 pictures: too few"
    rows *= 3
    side, brow, eye, mouth, kappa = requested_figures(rows)
    assert side[1].startswith("50.0 [")
    assert side[2] == "12 pictures"
    assert brow[1] == eye[1] == "–"
    assert "too few" in brow[2]
    assert 0 < float(mouth[1].split()[0]) < 1
    assert mouth[2] == "15 pictures"
    assert kappa[2] == "15 pictures"
    alike = requested_figures([_row(k, Palsy.none(), 0.0, 4) for k in range(10)])
    assert alike[3][1:] == ("–", "10 pictures: all alike")
    exact = [replace(row, measured={"yanagihara_item": row.yanagihara_item}) for row in rows]
    assert requested_figures(exact)[-1][1].startswith("1.00")


def test_of_patients_the_labels_of_raters_are_what_was_requested() -> None:
    """The asymmetry is positive where the left looks weaker; an item of 4 has no side to tell."""
    rated = [("left", 0, 8.0), ("right", 2, -3.0), ("left", 2, -2.0), ("right", 4, 5.0)]
    rows = [
        replace(_row(k, None, asymmetry, item), side=side, yanagihara_item=item)
        for k, (side, item, asymmetry) in enumerate([*rated, (None, 4, 0.5)])
    ]
    side, *_, mouth, kappa = requested_figures(4 * rows)
    assert side[1].startswith("66.7 [")
    assert side[2] == "12 pictures"
    assert mouth[2] == "16 pictures", "without a side there is no difference to compare"
    assert kappa[1].startswith("1.00")
    assert kappa[2] == "20 pictures"


def test_without_known_palsies_there_are_dashes_and_reasons() -> None:
    for rows in ([], [_row(0, None, None, None)]):
        assert all(text == "–" and of for _, text, of in requested_figures(rows))


def test_counts_are_in_the_order_of_the_field() -> None:
    rows = [_row(0, Palsy.peripheral(Side.RIGHT, Grade.VI), 0, 0), _row(1, Palsy.none(), 0, 4)]
    rows += [_row(2, None, None, None)]
    found = counts(rows)
    assert found["weak side"] == [("right", 1), ("neither", 1), ("unknown", 1)]
    assert found["House-Brackmann grade"] == [("I", 1), ("VI", 1), ("unknown", 1)]
    assert found["Yanagihara item"] == [("0", 1), ("4", 1), ("unknown", 1)]


def test_grade_one_of_a_rater_is_a_side_that_is_not_weak() -> None:
    healthy, graded = (replace(_row(0, None, None, None), hb_grade=g) for g in ("I", "IV"))
    assert counts([healthy, graded])["weak side"] == [("neither", 1), ("unknown", 1)]
    assert _caption(healthy)[1] == "neither side weak"
    assert _caption(graded)[1] == "side unknown, IV"
    assert _caption(replace(graded, side="left"))[1] == "left IV"
    assert _caption(_row(0, None, None, None))[1] == "palsy unknown"


def test_the_gate_counts_every_attempt_and_fault() -> None:
    rows = [_row(k, Palsy.none(), 0, 4) for k in range(3)]  # attempts 1, 2, 1
    assert rows[1].measured is not None
    rows[1].measured["earlier_faults"] = "movement, side"
    left_out = [
        {"file_name": "a.png", "faults": ["side", "identity"], "attempts": 4},
        {
            "file_name": "b.png",
            "faults": ["side"],
            "attempts": 4,
            "earlier_faults": "side; no-face; side, movement",
        },
    ]
    assert gate_counts(rows, left_out) == [
        ("pictures made", 12),
        ("refused: there is not exactly one face", 1),
        ("refused: another side looks weak than was requested", 5),
        ("refused: another movement than was requested, or none", 2),
        ("refused: matched to another identity of the set", 1),
        ("passed at attempt 1", 2),
        ("passed at attempt 2", 1),
        ("left out", 2),
        ("left out: another side looks weak than was requested", 2),
        ("left out: matched to another identity of the set", 1),
    ]


def test_similarities_to_the_own_identity_and_between_identities() -> None:
    rows = [Row("a.png", "a", measured={"similarity": v}) for v in (0.5, 0.0, 0.9)]
    gallery = np.array([[1, 0], [0.6, 0.8], [0, 1]], np.float32)
    assert similarities(rows, gallery) == [
        ("picture and its identity at rest", "0.50 (0.00 to 0.90)", "3 pairs"),
        ("two identities at rest", "0.60 (0.00 to 0.80)", "3 pairs"),
    ]
    assert similarities([], gallery[:1])[1][1] == "–"


def test_licences_are_those_of_the_cards(tmp_path: Path) -> None:
    assert licences("subjects", None) == {"appearance model": "cc-by-4.0"}
    assert licences("controlnet-pf", None)["weights of controlnet-pf"] == "apache-2.0"
    assert licences("cfcpalsy", None)["weights of cfcpalsy"] == "apache-2.0"
    assert licences("cfcpalsy", tmp_path)["weights of cfcpalsy"] == UNKNOWN
    (tmp_path / "README.md").write_text("---\ntags: [a]\nlicense: mit\n---\n# Mine\n")
    assert licences("cfcpalsy", tmp_path)["weights of cfcpalsy"] == "mit"
    (tmp_path / "README.md").write_text("# Mine\n\nlicense: mit\n")
    assert licence_of(tmp_path / "README.md") == UNKNOWN
    assert licences("negative", None)["method negative"] == UNKNOWN
