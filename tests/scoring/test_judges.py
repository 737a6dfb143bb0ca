"""The real judges, on synthetic subjects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.encoders.published.inception import FidInception
from palsynth.encoders.published.lpips import AlexNetTrunk
from palsynth.face.images import write_png
from palsynth.scoring import judges
from palsynth.subjects import View, render, sample
from tests.encoders.other_device import use_meta


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("faces")
    pictures = {"none": np.full((200, 200, 3), 120, np.uint8)}
    for name, seed, side in (("left", 5, Side.LEFT), ("right", 5, Side.RIGHT)):
        palsy = Palsy.peripheral(side, Grade.VI)
        pictures[name] = render(sample(seed), Movement.GRIN, palsy, view=View(200)).image
    pictures["same"] = render(sample(5), view=View(200)).image
    pictures["other"] = render(sample(6), view=View(200)).image
    pictures["two"] = np.hstack([pictures["same"], pictures["other"]])
    for name, image in pictures.items():
        write_png(folder / f"{name}.png", image)
    return {name: folder / f"{name}.png" for name in pictures}


def test_the_judge_reads_movement_and_the_weak_side(faces: dict[str, Path]) -> None:
    found = judges.reading().extract([faces["left"], faces["none"], faces["right"]])
    assert found.shape == (3, 28)
    assert found[0, -2] > found[0, -1] + 0.3, "the patient's left comes first"
    assert found[2, -1] > found[2, -2] + 0.3
    assert np.isnan(found[1]).all()
    requested = [
        (Movement.GRIN, Palsy.peripheral(side, Grade.VI))
        for side in (Side.LEFT, Side.LEFT, Side.RIGHT)
    ]
    right, apart = judges.reading_errors(requested, found)
    assert right.tolist() == [True, False, True]
    assert np.nanmax(apart) < 0.3
    assert np.isnan(apart[1])
    swapped = judges.reading_errors(requested[::-1], found)[1]
    assert np.nanmin(swapped) > 0.4, "the wrong side is an error on both"


def test_each_row_belongs_to_its_image(faces: dict[str, Path]) -> None:
    """Images without exactly one face give NaN rows and shift no other row."""
    judge = judges.dlib()
    order = ["none", "same", "two", "other", "left"]
    found = judge.extract([faces[name] for name in order])
    assert np.isnan(found[[0, 2]]).all()
    alone = judge.extract([faces["other"]])[0]
    assert found[3] == pytest.approx(alone, abs=1e-5)
    assert np.linalg.norm(found[1] - found[4]) < 0.45 < np.linalg.norm(found[1] - found[3])
    assert (judge.by_cosine, judges.recogniser(None).by_cosine) == (False, True)
    points = judges.landmarks().extract([faces[name] for name in order])
    assert np.isnan(points[[0, 2]]).all()
    assert points.shape == (5, 478, 3)
    assert points[1, 33, 0] < points[1, 263, 0], (
        "the patient's right eye is on the left of the image"
    )


def test_quality_uses_a_hundred_stochastic_embeddings(faces: dict[str, Path]) -> None:
    found = judges.quality().extract([faces["same"], faces["none"]])
    assert found.shape == (2, 1)
    assert 0 < found[0, 0] < 1
    assert np.isnan(found[1, 0])
    assert judges.SER_FIQ_PASSES == 100


def test_pictures_of_several_sizes_keep_their_order(tmp_path: Path) -> None:
    paths = []
    for k, size in enumerate((32, 40, 32, 48, 40)):
        paths.append(tmp_path / f"{k}.png")
        write_png(paths[-1], np.full((size, size, 3), 51 * k, np.uint8))
    extract = judges._by_size(lambda images: images.mean((1, 2)) / 255)
    assert extract(paths)[:, 0] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])


@pytest.mark.parametrize(
    ("name", "brought_back", "shape"),
    [
        ("recogniser", [(2, 512)], (3, 512)),
        ("reading", [(2, 28)], (3, 28)),
        ("quality", [(100, 512), (100, 512)], (3, 1)),
        ("portraits", [(2, 320)], (3, 320)),
        ("distribution", [(3, 320)], (3, 320)),
        ("dlib", [], (3, 128)),
        ("landmarks", [], (3, 478, 3)),
    ],
)
def test_judges_compute_on_the_default_device(
    name: str,
    brought_back: list[tuple[int, ...]],
    shape: tuple[int, ...],
    faces: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All but dlib and the detector, which have no other device than the CPU."""
    seen = use_meta(monkeypatch)
    weights = [None] if name in ("recogniser", "distribution") else []
    made = getattr(judges, name)(*weights)
    judge = made[0] if name == "distribution" else made
    found = judge.extract([faces[picture] for picture in ("same", "none", "other")])
    assert (seen, found.shape) == (brought_back, shape)


def test_published_weights_compute_on_the_default_device(
    tmp_path: Path, faces: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(FidInception().state_dict(), tmp_path / "inception.pth")
    torch.save(AlexNetTrunk().state_dict(), tmp_path / "alexnet.pth")
    seen = use_meta(monkeypatch)
    judge, _ = judges.distribution(tmp_path / "inception.pth")
    assert judge.extract([faces["same"], faces["two"]]).shape == (2, 2048)
    assert seen == [(1, 2048), (1, 2048)], "one batch for each size"
    image = np.zeros((72, 72, 3), np.uint8)
    assert judges.perceptual(tmp_path / "alexnet.pth")(image, image) == 0
    assert seen[2:] == [(1,)]


def test_random_passes_are_the_same_on_every_device_and_leave_the_global_stream_alone(
    faces: dict[str, Path],
) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    masks = judges._dropout_masks(40, 0.4)
    torch.manual_seed(0)
    assert torch.equal(masks, torch.nn.functional.dropout(torch.ones(100, 40), 0.4))
    judge = judges.quality()
    torch.manual_seed(5)
    found = [judge.extract([faces[name]])[0, 0] for name in ("same", "other", "same")]
    assert torch.equal(torch.rand(3), expected)
    assert found[0] == found[2] != found[1]
