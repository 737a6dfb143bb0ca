"""Each figure of the evaluation, computed by hand from given features."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from palsynth.clinical import Palsy, Side
from palsynth.comparison.reporting import headed, reference_rows, report_of, result_of
from palsynth.data.examples import MOVEMENTS
from palsynth.data.pairs import Pair
from palsynth.evaluation.fidelity import ssim
from palsynth.evaluation.metrics import METRICS
from palsynth.face import topology
from palsynth.scoring.features import FeatureCache
from palsynth.scoring.judged import Judged, figures_of
from palsynth.scoring.panel import Panel, Weights
from palsynth.subjects import View, render, sample
from tests.scoring.fake_judges import NO_FACE, made, pair, use, write_flat

PAIRS = [
    pair(0, "a", gender="woman"),
    pair(1, "a", gender="woman"),
    pair(2, "b", gender="man"),
    pair(3, "b", gender="man"),
]

DLIB = {
    "identity/a.png": (0, 0), "identity/b.png": (3, 0),
    "expression/0.png": (0, 3), "expression/1.png": (2, 6), "expression/2.png": (3, -3),
    "expression/3.png": (3, 1),
    "truth/0.png": (0, 2), "truth/1.png": (0, 4), "truth/2.png": (3, 1), "truth/3.png": (3, 7),
    "made/0.png": (0, 1),  # 1 from a, 2 from the expression's person
    "made/1.png": (2, 0),  # 2 from a but 1 from b, 6 from the expression's
    "made/2.png": (3, 4),  # 4 from b, 7 from the expression's
    "made/3.png": NO_FACE,
}  # fmt: skip

FACES = {
    "identity/a.png": (1, 0), "identity/b.png": (0, 2),
    **{f"{part}/{k}.png": (-1, -1) for part in ("expression", "truth") for k in range(4)},
    "made/0.png": (3, 4), "made/1.png": (4, 3), "made/2.png": (8, 6), "made/3.png": NO_FACE,
}  # fmt: skip

QUALITY = {
    **{f"identity/{subject}.png": [0.05] for subject in "ab"},
    **{f"{part}/{k}.png": [0.1] for part in ("expression", "truth") for k in range(4)},
    "made/0.png": [0.2], "made/1.png": [0.4], "made/2.png": [0.9], "made/3.png": NO_FACE,
}  # fmt: skip

SET = {
    **{f"identity/{subject}.png": [90.0] for subject in "ab"},
    **{f"expression/{k}.png": [100.0 * k] for k in range(4)},
    **{f"truth/{k}.png": [v] for k, v in enumerate((1.0, 5.0, 1.0, 5.0))},
    **{f"made/{k}.png": [v] for k, v in enumerate((0.0, 2.0, 0.0, 2.0))},
}


def _eyes_apart(by: float) -> np.ndarray:
    """Landmarks (478, 3), all zero but for the outer corners of the eyes."""
    points = np.zeros((topology.POINTS, 3))
    points[topology.OUTER_CANTHUS["left"], 0] = by
    return points


def _landmarks() -> dict[str, object]:
    """True eyes are 100, 200, 50 and 100 px apart; made landmarks are off by 5, 10 and 2 px."""
    off = [(3.0, 4.0, 70.0), (6.0, 8.0, -9.0), (0.0, 2.0, 0.0)]
    apart = (100.0, 200.0, 50.0, 100.0)
    found: dict[str, object] = {f"identity/{subject}.png": _eyes_apart(1.0) for subject in "ab"}
    for k in range(4):
        found[f"expression/{k}.png"] = _eyes_apart(7.0)
        found[f"truth/{k}.png"] = _eyes_apart(apart[k])
        found[f"made/{k}.png"] = _eyes_apart(apart[k]) + off[k] if k < 3 else NO_FACE
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Truths are grey; identities differ from them in the left half, made images by 10 or 20
    levels in 17 of 32 columns, that half and its rim."""
    for number, subject in enumerate("ab"):
        write_flat(tmp_path / "identity" / f"{subject}.png", 100 + 2 * number, 50)
    for k in range(4):
        write_flat(tmp_path / "expression" / f"{k}.png", 200 + k)
        write_flat(tmp_path / "truth" / f"{k}.png", 100 + k)
        delta = 10 if k < 2 else 20
        write_flat(tmp_path / "made" / f"{k}.png", 100 + k, 100 + k + delta, columns=17)
    return tmp_path


@pytest.fixture
def panel(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Panel]:
    use(
        monkeypatch,
        dlib=DLIB,
        recogniser=FACES,
        quality=QUALITY,
        distribution=SET,
        landmarks=_landmarks(),
    )
    with FeatureCache(folder / "features.sqlite") as cache:
        yield Panel(folder, PAIRS, Weights(), cache)


@pytest.fixture
def judged(panel: Panel) -> Judged:
    return panel.judge("mine", made(panel.folder / "made", PAIRS))


def values(judged: Judged, *keys: str) -> list[float]:
    return [judged.figures[key].value for key in keys]


def test_identity_figures(judged: Judged) -> None:
    assert judged.per_pair["identity_distance"][:3].tolist() == [1, 2, 4]
    assert judged.per_pair["leak_distance"][:3].tolist() == [2, 6, 7]
    found = values(judged, "identity_distance", "leak_distance", "identity_top1")
    assert found == pytest.approx([7 / 3, 5, 50])
    assert judged.figures["identity_distance"].count == 3
    assert judged.figures["identity_top1"].count == 4, "an image without a face is not recognised"
    assert judged.per_pair["identity_top1"].tolist() == [100, 0, 100, 0]
    assert values(judged, "identity_cosine") == pytest.approx([(0.6 + 0.8 + 0.6) / 3])
    assert judged.variants["identity_cosine"] == "cosine[recogniser]"


def test_an_image_without_a_face_is_not_re_identified(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, dlib={**DLIB, "made/0.png": NO_FACE, "made/3.png": (3, 0)})
    with FeatureCache(folder / "f.sqlite") as cache:
        found = Panel(folder, PAIRS, Weights(), cache).judge("mine", made(folder / "made", PAIRS))
    assert found.per_pair["identity_top1"].tolist() == [0, 0, 100, 100]


def test_fidelity_figures(judged: Judged) -> None:
    whole = [20 * np.log10(255 / (delta * np.sqrt(17 / 32))) for delta in (10, 10, 20, 20)]
    moving = [20 * np.log10(255 / delta) for delta in (10, 10, 20, 20)]
    assert judged.per_pair["psnr"] == pytest.approx(whole, rel=1e-5)
    assert judged.per_pair["psnr_moving"] == pytest.approx(moving, rel=1e-5)
    assert values(judged, "psnr", "psnr_moving") == pytest.approx(
        [np.mean(whole), np.mean(moving)], rel=1e-5
    )
    image, truth = np.full((1, 32, 32, 3), 100, np.uint8), np.full((1, 32, 32, 3), 100, np.uint8)
    image[:, :, :17] = 110
    mask = np.zeros((1, 32, 32), bool)
    mask[:, :, :17] = True
    assert judged.per_pair["ssim"][0] == pytest.approx(ssim(image, truth)[0])
    assert judged.per_pair["ssim_moving"][0] == pytest.approx(ssim(image, truth, mask)[0])
    assert judged.per_pair["ssim_moving"][0] != judged.per_pair["ssim"][0]
    assert judged.per_pair["landmark_error"][:3] == pytest.approx([5, 5, 4])
    assert values(judged, "landmark_error") == pytest.approx([14 / 3])


def test_the_landmark_error_is_normalised_by_the_true_eyes(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eyes made twice as far apart do not reduce the error."""
    points = _landmarks()
    points["made/0.png"] = _eyes_apart(200.0)
    use(monkeypatch, landmarks=points)
    with FeatureCache(panel.folder / "other.sqlite") as cache:
        again = Panel(panel.folder, PAIRS, Weights(), cache)
        found = again.judge("mine", made(panel.folder / "made", PAIRS))
    assert found.per_pair["landmark_error"][0] == pytest.approx(100 * (100 / 478) / 100)


def test_distribution_and_quality_figures(judged: Judged) -> None:
    assert values(judged, "fid") == pytest.approx([4 + 4 / 3 + 16 / 3 - 2 * 8 / 3])
    kid = (2 * 1 + 2 * 5**3 + 8 * 1) / 12 + (2 * 2**3 + 2 * 26**3 + 8 * 6**3) / 12 - 2 * 340
    assert values(judged, "kid") == pytest.approx([1000 * kid])
    assert judged.variants["fid"] == "fid[written, whole, none, 4]"
    assert judged.variants["kid"] == "kid[written, whole, none, 4]"
    assert values(judged, "ser_fiq", "faces") == pytest.approx([0.5, 75])
    assert judged.variants["ser_fiq"] == "ser-fiq[quality, unscaled]"


def test_the_references_are_the_truth_and_the_two_copies(panel: Panel) -> None:
    rows = {judged.method: judged for judged in reference_rows(panel)}
    assert list(rows) == ["truth", "copy-identity", "copy-expression"]
    distances = {name: row.per_pair["identity_distance"].tolist() for name, row in rows.items()}
    assert distances["truth"] == [2, 4, 1, 7]
    assert distances["copy-identity"] == [0, 0, 0, 0]
    assert distances["copy-expression"] == pytest.approx([3, np.sqrt(40), 3, 1])
    assert rows["copy-expression"].per_pair["leak_distance"].tolist() == [0, 0, 0, 0]
    assert rows["copy-identity"].per_pair["leak_distance"] == pytest.approx([3, np.sqrt(40), 3, 1])
    assert values(rows["truth"], "fid") == pytest.approx([0], abs=1e-9)


def test_a_report_names_its_rows_and_notes_what_was_not_averaged(panel: Panel) -> None:
    report, pictures = report_of(panel, "mine", made(panel.folder / "made", PAIRS))
    assert report.title == f"{panel.folder.name}: 4 pairs of 2 people"
    assert [(r.method, r.reference) for r in report.results] == [
        ("truth", True),
        ("copy-identity", True),
        ("copy-expression", True),
        ("mine", False),
    ]
    assert report.results[0].notes == [
        "4 of 4 psnr are infinite (identical pictures)",
        "4 of 4 psnr_moving are infinite (identical pictures)",
    ]
    assert report.results[3].notes == ["no single face was found in 1 of 4 pictures"]
    blind = [line for line in report.remarks if line.startswith("re-identified")]
    assert blind == [
        "re-identified, % cannot judge a method alone: copy-identity scores no worse than the truth"
    ]
    assert list(pictures) == [
        "distance to the identity",
        "mine: best, median and worst by landmark error",
    ]
    assert "do not publish" in report.notice, "no manifest gives the provenance"
    groups = {g.method: g.figures for g in report.groups}
    assert list(groups) == ["mine: gender man, 1 people", "mine: gender woman, 1 people"]
    woman, man = groups["mine: gender woman, 1 people"], groups["mine: gender man, 1 people"]
    assert woman["identity_distance"].value == 1.5
    assert man["identity_distance"].value == 4
    assert (woman["faces"].value, man["faces"].value) == (100, 50)


def test_figures_of_some_pairs(judged: Judged) -> None:
    by_people = tuple(metric for metric in METRICS if metric.by_people)
    found = figures_of(judged, np.array([False, True, True, True]), by_people)
    assert {k: f.value for k, f in found.items()} == pytest.approx(
        {
            "landmark_error": 4.5,
            "identity_distance": 3,
            "identity_top1": 100 / 3,
            "leak_distance": 6.5,
            "ser_fiq": 0.65,
            "faces": 200 / 3,
        }
    )
    assert found["identity_distance"].count == 2
    assert set(found) < {metric.key for metric in by_people}


def test_a_set_without_truth_has_no_figures_against_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = [Pair(**{**p.__dict__, "truth": ""}) for p in PAIRS]
    use(monkeypatch, dlib=DLIB)
    with FeatureCache(folder / "f.sqlite") as cache:
        bare = Panel(folder, pairs, Weights(), cache)
        rows = reference_rows(bare)
        assert [r.method for r in rows] == ["copy-identity", "copy-expression"]
        assert not {"psnr", "fid", "kid", "landmark_error"} & set(rows[0].figures)
        report = headed(bare, [result_of(r, reference=True) for r in rows], [])
    assert not any("cannot judge" in line for line in report.remarks)


GRIN = MOVEMENTS.index("grin")


def _reading(movement: int, left: float, right: float) -> np.ndarray:
    """A reading: logits of 11 movements and 3 sides, 12 states, 2 weaknesses, left first."""
    found = np.zeros(28)
    found[movement] = 5
    found[-2:] = left, right
    return found


def test_expression_is_measured_relative_to_the_identity_image(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All left corners droop at rest; only the change from rest shows which side is weak."""
    flat = render(sample(3), view=View(256)).landmarks
    eyes = [topology.OUTER_CANTHUS[s] for s in ("left", "right")]
    unit = np.linalg.norm(flat[eyes[0]] - flat[eyes[1]])

    def hanging(by: float) -> np.ndarray:
        points = np.column_stack([flat, np.zeros(len(flat))])
        points[[291, 308], 1] += by * unit
        return points

    pairs = [
        pair(0, "a", Palsy.weakness(Side.LEFT, 0.8)),
        pair(1, "a", Palsy.weakness(Side.RIGHT, 0.8)),
        pair(2, "b", Palsy.weakness(Side.LEFT, 0.2)),
        pair(3, "b", Palsy.weakness(Side.RIGHT, 0.5)),
    ]
    other = {f"{part}/{k}.png": hanging(0.5) for part in ("expression", "truth") for k in range(4)}
    points = {
        **{f"identity/{subject}.png": hanging(0.10) for subject in "ab"},
        **other,
        "made/0.png": hanging(0.14),
        "made/1.png": hanging(0.06),
        "made/2.png": hanging(0.11),
        "made/3.png": NO_FACE,
    }
    far = {name: _reading(0, 9, 9) for name in points}
    reading = {
        **far,
        "made/0.png": _reading(GRIN, 0.7, 0.1),
        "made/1.png": _reading(GRIN, 0.3, 0.8),
        "made/2.png": _reading(GRIN + 1, 0.2, 0.5),
        "made/3.png": NO_FACE,
    }
    use(monkeypatch, landmarks=points, reading=reading)
    with FeatureCache(folder / "f.sqlite") as cache:
        panel = Panel(folder, pairs, Weights(), cache)
        judged = panel.judge("mine", made(folder / "made", pairs))
    assert judged.per_pair["requested"] == pytest.approx([0.8, -0.8, 0.2, -0.5])
    assert judged.per_pair["measured"][:3] == pytest.approx([0.04, -0.04, 0.01], rel=0.03)
    assert judged.per_pair["side_accuracy"] == pytest.approx([100, 100, np.nan, 0], nan_ok=True)
    assert judged.figures["side_accuracy"].value == pytest.approx(200 / 3)
    assert judged.figures["rank_mouth"].value == pytest.approx(1)
    assert np.isnan(judged.figures["rank_brow"].value)
    assert np.isnan(judged.figures["rank_eye"].value)
    assert judged.figures["item_kappa"].count == 3
    assert judged.per_pair["judge_movement"].tolist() == [100, 100, 0, 0]
    assert judged.per_pair["judge_weakness"][:3] == pytest.approx([0.1, 0.15, 0.25])
    assert values(judged, "judge_movement", "judge_weakness") == pytest.approx([50, 0.5 / 3])
