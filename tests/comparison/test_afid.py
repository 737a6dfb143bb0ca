from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from palsynth.cli import main
from palsynth.comparison import benchmark_sets
from palsynth.comparison.afid import afid_figures, round_trip, way_back
from palsynth.comparison.benchmark_sets import vp_transfer
from palsynth.data.manifest import read_manifest
from palsynth.data.pairs import read_pairs
from palsynth.errors import InputError
from palsynth.evaluation.intervals import Figure
from palsynth.face.images import read_image
from palsynth.methods.base import Request
from palsynth.methods.copies import CopyExpression
from palsynth.methods.registry import get_method
from palsynth.scoring.features import FeatureCache


@pytest.fixture(scope="module")
def vp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set") / "vp-transfer"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benchmark_sets, "IDENTITIES", 1)
        vp_transfer(folder)
    return folder


def test_the_way_back_uses_the_fixed_identity_image(vp: Path) -> None:
    pairs = read_pairs(vp / "pairs.csv")
    for pair, back in zip(pairs, way_back(pairs), strict=True):
        assert back.identity == pair.expression_identity != pair.expression
        assert back.truth == pair.expression
        assert back.expression == f"first/{pair.name}"


def test_copying_the_expression_scores_zero_and_is_exposed(vp: Path, tmp_path: Path) -> None:
    pairs = read_pairs(vp / "pairs.csv")
    counts = []
    method = get_method("copy-expression")
    round_trip(method, vp, pairs, tmp_path, lambda *count: counts.append(count))
    assert counts[-1] == (20, 20)
    with FeatureCache(tmp_path / "features.sqlite") as cache:
        figures = afid_figures(vp, pairs, tmp_path, None, cache)
    name = next(n for n in figures if n.startswith("afid[palsynth, antialiased 112, "))
    assert figures[name].value == pytest.approx(0, abs=1e-4)
    assert figures["psnr back, infinite"].value == 10
    assert figures["dlib distance of the first to B"].value > 0.6
    manifest = read_manifest(tmp_path / "first")
    assert [row.provenance for row in manifest] == [None] * 10, "copies have no provenance"
    for pair in pairs:
        first, second = (read_image(tmp_path / part / pair.name) for part in ("first", "second"))
        assert np.array_equal(first, second), "the images of both ways remain"


def test_the_simulator_through_the_command(
    vp: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["afid", str(vp), "--method", "simulator", "--out", str(tmp_path)])
    found = json.loads((tmp_path / "afid.json").read_text())
    assert found["method"] == "simulator"
    assert found["dlib distance of the first to B"] < 0.45
    assert next(v for n, v in found.items() if n.startswith("afid[")) > 0
    printed = capsys.readouterr().out
    assert "afid[" in printed
    assert "the first pictures do not show the other person" not in printed


def test_an_afid_without_likeness_is_noted_as_meaningless(
    vp: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = {"dlib distance of the first to B": Figure(0.6, 0.5, 0.7, 1)}
    monkeypatch.setattr("palsynth.comparison.afid.round_trip", lambda *_: None)
    monkeypatch.setattr("palsynth.comparison.afid.afid_figures", lambda *_: figures)
    main(["afid", str(vp), "--method", "copy-expression", "--out", str(tmp_path)])
    assert "the first pictures do not show the other person" in capsys.readouterr().out


def test_a_set_without_a_way_back_is_named(vp: Path, tmp_path: Path) -> None:
    pairs = [replace(pair, expression_identity="") for pair in read_pairs(vp / "pairs.csv")]
    with pytest.raises(InputError, match="has no expression_identity"):
        round_trip(get_method("copy-expression"), vp, pairs, tmp_path)


class Faceless(CopyExpression):
    """Shows no face on the way there."""

    first = True

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        images = super().__call__(requests)
        first, self.first = self.first, False
        return [np.full_like(image, 90) for image in images] if first else images


def test_the_way_back_works_without_a_face(vp: Path, tmp_path: Path) -> None:
    """A method's own images may show no face; that is not an error."""
    pairs = read_pairs(vp / "pairs.csv")[:2]
    round_trip(Faceless(), vp, pairs, tmp_path)
    assert (read_image(tmp_path / "first" / pairs[0].name) == 90).all()
    rest = read_image(vp / pairs[0].expression_identity)
    assert np.array_equal(read_image(tmp_path / "second" / pairs[0].name), rest)


def test_a_round_trip_may_be_moved_and_names_no_path_of_its_machine(
    vp: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = read_pairs(vp / "pairs.csv")[:2]
    round_trip(get_method("simulator"), vp, pairs, tmp_path / "a")
    texts = [path.read_text() for path in tmp_path.rglob("*.json*")]
    assert len(texts) == 6
    assert not any(str(tmp_path) in text for text in texts)
    second = read_manifest(tmp_path / "a" / "second")
    assert [r.provenance["expression"] for r in second if r.provenance] == [
        f"first/{pair.name}" for pair in pairs
    ]
    (tmp_path / "a").rename(tmp_path / "b")
    round_trip(get_method("simulator"), vp, pairs, tmp_path / "b")
    assert "made again" not in capsys.readouterr().err


def test_transfer_never_overwrites_a_dataset(vp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["transfer", str(vp), "--method", "noise", "--out", str(vp)])
    assert "is not empty; give a new folder" in capsys.readouterr().err
