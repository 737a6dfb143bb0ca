"""A folder of images against a folder of real ones; and whether the default backend of FID is
sensible: it rises with blur, with noise, and where palsied faces become symmetric."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from palsynth.cli import main
from palsynth.clinical import YANAGIHARA, Movement, Palsy, Side
from palsynth.comparison.unpaired import _advice, unpaired_report
from palsynth.data.examples import MOVEMENTS
from palsynth.data.manifest import Row, write_manifest
from palsynth.evaluation.distribution import frechet_distance, kernel_distance
from palsynth.evaluation.report import read_report
from palsynth.face.framing import RECOGNISER
from palsynth.face.images import write_png
from palsynth.scoring.features import FeatureCache
from palsynth.scoring.judges import distribution
from palsynth.scoring.panel import Weights
from palsynth.subjects import random_palsy, random_view, render, sample
from tests.scoring.fake_judges import NO_FACE, use, write_flat
from tests.subject_sets import subjects_plan, write_subjects

COUNT = 60


def rendered_features(folder: Path, first: int, change=None, healthy: bool = False) -> np.ndarray:
    """Features of subjects with palsies, or of the same subjects without."""
    paths = []
    for k in range(COUNT):
        rng = np.random.default_rng([first, k])
        palsy = random_palsy(rng, Side.LEFT if k % 2 else Side.RIGHT, healthy=0)
        view = random_view(np.random.default_rng([first, k, 1]), 112, RECOGNISER)
        image = render(
            sample(first + k), YANAGIHARA[k % 10], Palsy.none() if healthy else palsy, view=view
        ).image
        paths.append(folder / f"{k}.png")
        write_png(paths[-1], image if change is None else change(image))
    return distribution(None)[0].extract(paths)


def noisy(image: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(int(image.sum())).normal(0, 10, image.shape)
    return (image + noise).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    folder = tmp_path_factory.mktemp("sets")
    first = 980_000
    return {
        "real": rendered_features(folder / "real", first + 500),
        "fresh": rendered_features(folder / "fresh", first),
        "slightly blurred": rendered_features(
            folder / "b1", first, lambda i: cv2.GaussianBlur(i, (0, 0), 1)
        ),
        "blurred": rendered_features(
            folder / "b2", first, lambda i: cv2.GaussianBlur(i, (0, 0), 2)
        ),
        "noisy": rendered_features(folder / "noisy", first, noisy),
        "symmetric": rendered_features(folder / "symmetric", first, healthy=True),
    }


@pytest.mark.parametrize("metric", ["fid", "kid"])
def test_the_default_backend_ranks_distortions(features, metric: str) -> None:
    def distance(name: str) -> float:
        a, b = features[name], features["real"]
        return frechet_distance(a, b) if metric == "fid" else kernel_distance(a, b)[0]

    assert distance("fresh") < distance("slightly blurred") < distance("blurred")
    assert distance("fresh") < distance("noisy")
    assert distance("fresh") < distance("symmetric")


def test_evaluate_without_pairs(tmp_path: Path) -> None:
    write_subjects(tmp_path / "real", subjects_plan(5, 2, 61))
    write_subjects(tmp_path / "made", subjects_plan(4, 2, 62))
    main(
        [
            "evaluate",
            "--real",
            str(tmp_path / "real"),
            "--fake",
            str(tmp_path / "made"),
            "--out",
            str(tmp_path / "r"),
        ]
    )
    reference, own = read_report(tmp_path / "r" / "report.json").results
    assert reference.reference
    assert reference.method == "real, half of the people against half (6 and 4 pictures)"
    assert own.method == "made"
    assert own.figures["fid"].value > 0
    assert own.figures["faces"].value == 100
    assert own.figures["judge_movement"].count == 8
    assert own.variants["fid"].endswith(", 8]")
    assert "fid[palsynth, antialiased 112" in own.variants["fid"]
    notice = json.loads((tmp_path / "r" / "report.json").read_text())["notice"]
    assert "All pictures shown are synthetic" in notice


def test_photographs_are_not_compared_with_crops(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """FID would measure how they are cropped."""
    photographs = subjects_plan(2, 2, 61, size=256, framing="id-photo")
    write_subjects(tmp_path / "real", photographs)
    write_subjects(tmp_path / "made", subjects_plan(2, 2, 62))
    words = ["--real", tmp_path / "real", "--fake", tmp_path / "made", "--out", tmp_path / "r"]
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", *map(str, words)])
    assert stop.value.code == 2
    error = " ".join(capsys.readouterr().err.split())
    advice = f"FID would compare the crops. Make the set with --framing id-photo, as {words[1]} is"
    assert advice in error
    assert not (tmp_path / "r" / "report.json").exists()


def test_wider_photographs_are_cropped_first() -> None:
    assert _advice(Path("wide"), 0.15, 0.43) == (
        "Crop the faces by 'palsynth benchmark folder wide --framing recogniser', and compare with "
        "that set by --unpaired"
    )


def test_a_benchmark_set_is_compared_as_a_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its pairs.csv asks for a picture of every pair, which a generated set does not have."""
    for name, seed in (("real", 61), ("made", 62)):
        write_subjects(tmp_path / name, subjects_plan(2, 2, seed))
    (tmp_path / "real" / "pairs.csv").write_text("name,identity,expression,truth\nno.png,a,b,\n")
    words = ["--real", tmp_path / "real", "--fake", tmp_path / "made", "--out", tmp_path / "r"]
    main(["evaluate", *map(str, words), "--unpaired"])
    assert (tmp_path / "r" / "report.json").exists()
    with pytest.raises(SystemExit):
        main(["evaluate", *map(str, words), "--unpaired", "--pairs", "x.csv"])
    assert "--pairs and --unpaired: give one of the two" in capsys.readouterr().err


def test_each_row_is_of_its_own_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real features have mean 2 and variance 20/3 (two halves of two people), made ones 8 and 20/3;
    of the real ones half have a face."""
    features, quality, reading = {}, {}, {}
    for name, level, offset in (("real", 10, 0.0), ("made", 90, 6.0)):
        rows = []
        for k, value in enumerate((-1.0, 1.0, 3.0, 5.0)):
            file, palsy = f"{name}/{k}.png", Palsy.weakness(Side.LEFT, 0.8).to_dict()
            write_flat(tmp_path / file, level + k)
            rows.append(Row(f"{k}.png", f"{name} {k // 2}", "grin", palsy=palsy))
            features[file] = [value + offset]
            quality[file] = NO_FACE if name == "real" and k < 2 else [0.2 * k + offset / 10]
            found = np.zeros(28)
            found[MOVEMENTS.index(Movement.GRIN) if name == "made" else 0] = 5
            found[-2:] = (0.7, 0.1) if name == "made" else (0.1, 0.1)
            reading[file] = found
        write_manifest(tmp_path / name, rows)
    use(monkeypatch, distribution=features, quality=quality, reading=reading)
    with FeatureCache(tmp_path / "f.sqlite") as cache:
        report, pictures = unpaired_report(
            tmp_path / "real", tmp_path / "made", "mine", Weights(), cache, lambda *_: None
        )
    reference, own = report.results
    assert (reference.reference, own.reference, own.method) == (True, False, "mine")
    values = {key: f.value for key, f in own.figures.items()}
    assert values["fid"] == pytest.approx(36, abs=1e-9)
    assert values["ser_fiq"] == pytest.approx(0.9)
    assert values["faces"] == 100
    assert values["judge_movement"] == 100
    assert values["judge_weakness"] == pytest.approx(0.1)
    assert own.variants["fid"] == "fid[written, whole, none, 4]"
    values = {key: f.value for key, f in reference.figures.items()}
    # halves of means 0 and 4, variances 2 each
    assert values["fid"] == pytest.approx(16, abs=1e-9)
    assert values["kid"] == pytest.approx(1000 * (0 + (3 * 5 + 1) ** 3 - 2 * _across()))
    assert values["ser_fiq"] == pytest.approx(0.5)
    assert values["faces"] == 50
    assert values["judge_movement"] == 0
    assert values["judge_weakness"] == pytest.approx(0.4)
    assert list(pictures) == ["above real, below mine"]


def _across() -> float:
    """Mean kernel of -1 and 1 with 3 and 5."""
    return float(np.mean([(x * y + 1) ** 3 for x in (-1, 1) for y in (3, 5)]))


def test_photographs_without_labels(tmp_path: Path, capsys) -> None:
    for k in range(5):
        write_png(tmp_path / "real" / f"{k}.png", np.full((64, 64, 3), 40 * k, np.uint8))
        if k < 3:
            write_png(tmp_path / "few" / f"{k}.png", np.full((64, 64, 3), 40 * k, np.uint8))
    words = ["evaluate", "--real", str(tmp_path / "real"), "--out", str(tmp_path / "r"), "--fake"]
    write_png(tmp_path / "real" / "larger.png", np.full((80, 70, 3), 9, np.uint8))
    main([*words, str(tmp_path / "real")])
    report = read_report(tmp_path / "r" / "report.json")
    assert "do not publish" in report.notice, "there is no provenance"
    assert report.results[1].figures["faces"].value == 0
    assert "judge_movement" not in report.results[1].figures
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main([*words, str(tmp_path / "few")])
    assert "3 pictures; at least 4 are needed" in capsys.readouterr().err
