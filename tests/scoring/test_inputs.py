"""What metrics get: each role's own images and features, computed once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from palsynth.clinical import Movement, Palsy, Side
from palsynth.data.examples import MOVEMENTS
from palsynth.errors import InputError
from palsynth.evaluation.distribution import Backend
from palsynth.evaluation.metrics import METRICS
from palsynth.scoring import judges
from palsynth.scoring.features import FeatureCache
from palsynth.scoring.inputs import JudgeSet, PictureInputs
from palsynth.scoring.judged import judge_pictures
from palsynth.scoring.judges import Judge
from tests.scoring.fake_judges import write_flat

LEFT = (Movement.GRIN, Palsy.weakness(Side.LEFT, 0.8))


@pytest.fixture
def inputs(tmp_path: Path) -> Iterator[PictureInputs]:
    """Two pictures of levels 10 and 20, truths of 30 and 40, and a set of three; one request."""
    files = {}
    for role, levels in (("picture", (10, 20)), ("truth", (30, 40)), ("set", (50, 60, 70))):
        files[role] = [tmp_path / role / f"{k}.png" for k in range(len(levels))]
        for path, level in zip(files[role], levels, strict=True):
            write_flat(path, level)
    files["identity"] = files["expression"] = files["truth"]

    def reading(paths: Sequence[Path]) -> np.ndarray:
        found = np.zeros((len(paths), 28))
        found[:, MOVEMENTS.index("grin")] = 1
        found[:, -2:] = 0.7, 0.1
        return found

    by_name = {"quality": Judge("levels", levels_of), "reading": Judge("reading-1", reading)}
    with FeatureCache(tmp_path / "f.sqlite") as cache:
        yield PictureInputs(
            title="mine",
            files=files,
            subjects=np.array(["a", "b"]),
            provides=frozenset({"faces", "labels"}),
            judges=JudgeSet(by_name, Backend("levels", "whole", "none"), difference),
            cache=cache,
            requested_of=[None, LEFT],
        )


def difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(a.mean() - b.mean())


calls: list[int] = []


def levels_of(paths: Sequence[Path]) -> np.ndarray:
    calls.append(len(paths))
    return np.array([[float(judges.read_image(path)[0, 0, 0])] for path in paths])


def test_features_are_those_of_the_role_and_computed_once(inputs: PictureInputs) -> None:
    calls.clear()
    assert inputs.features("quality").tolist() == [[10], [20]]
    assert inputs.features("quality", "set").tolist() == [[50], [60], [70]]
    assert inputs.features("quality") is inputs.features("quality", "picture")
    assert calls == [2, 3]
    assert inputs.name("quality") == "levels"


def test_images_come_in_the_order_of_the_roles(inputs: PictureInputs) -> None:
    found = [tuple(int(i[0, 0, 0]) for i in images) for images in inputs.images("truth", "picture")]
    assert found == [(30, 10), (40, 20)]


def test_a_picture_without_a_request_is_not_read(inputs: PictureInputs) -> None:
    right, error = inputs.readings()
    assert right == pytest.approx([np.nan, 1], nan_ok=True)
    assert error == pytest.approx([np.nan, 0.1], nan_ok=True)
    judged = judge_pictures("mine", ["0", "1"], inputs)
    assert judged.figures["judge_movement"].count == 1
    assert judged.figures["judge_movement"].value == 100


def test_only_metrics_whose_needs_are_met_are_computed(inputs: PictureInputs) -> None:
    judged = judge_pictures("mine", ["0", "1"], inputs)
    assert set(judged.figures) == {m.key for m in METRICS if {"faces", "labels"} >= set(m.needs)}
    assert list(judged.figures) == ["judge_movement", "judge_weakness", "ser_fiq", "faces"]
    assert judged.per_pair["ser_fiq"].tolist() == [10, 20]
    assert judged.variants == {"ser_fiq": "ser-fiq[levels, unscaled]"}
    assert (judged.method, judged.subjects) == ("mine", ["a", "b"])


def test_lpips_is_of_each_picture_and_its_other(
    inputs: PictureInputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert inputs.perceptual("truth").tolist() == [-20, -20]

    def portrait(path: Path) -> np.ndarray | None:
        image = judges.read_image(path)
        return None if image[0, 0, 0] == 20 else image[:8, :8]

    monkeypatch.setattr(judges, "portrait", portrait)
    distances, variant = inputs.portrait_distances()
    assert distances == pytest.approx([-20, np.nan], nan_ok=True)
    assert variant == "LPIPS[alexnet], portraits"
    without = JudgeSet(inputs.judges.by_name, inputs.backend)
    bare = PictureInputs(
        "m", inputs.files, inputs.subjects, inputs.provides, without, inputs.cache, []
    )
    with pytest.raises(InputError, match="LPIPS: needs the weights of AlexNet; give --alexnet"):
        bare.perceptual("truth")
