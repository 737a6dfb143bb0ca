"""Coefficients over time: rendered clips with known movements, gaps, and a rest that is found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from palsynth.capture import capture, drive_of
from palsynth.capture.capture import know_rest
from palsynth.capture.over_time import BRIDGED, CapturedClip, LiveCapture, capture_over_time
from palsynth.capture.rest_in_clip import find_rest
from palsynth.capture.series import channels, coefficients_of, noise, row
from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.errors import InputError
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.simulator.drive import drive
from palsynth.subjects import View, render_drive, sample

FPS = 25
PALSY = Palsy.peripheral(Side.LEFT, Grade.IV)
BLINK = (2.2, 2.35)


def _jittered(face: Face, rng: np.random.Generator) -> Face:
    """The face in another frame: landmarks that jitter, each by itself and all together."""
    landmarks = face.landmarks.copy()
    landmarks[:, :2] += rng.normal(0, 0.15, (len(landmarks), 2)) + rng.normal(0, 1.0, 2)
    return replace(face, landmarks=landmarks.astype(np.float32))


def _smiling(time: float) -> float:
    return round(float(np.interp(time, [0.8, 1.2, 1.6, 2.0], [0, 1, 1, 0])), 1)


@pytest.fixture(scope="module")
def rendered() -> dict[tuple[float, bool], Face]:
    """A subject with a palsy, more or less smiling, and with shut eyes."""
    subject = sample(970_650)
    out = {}
    for amount, shut in [(k / 10, False) for k in range(11)] + [(0.0, True)]:
        driven = drive(Movement.GRIN if amount else Movement.REST, PALSY, intensity=amount)
        if shut:
            driven.left.closure, driven.right.closure = 0.6, 1.0
        out[amount, shut] = detect_face(render_drive(subject, driven, View(256))[0])
    return out


@pytest.fixture(scope="module")
def clip(rendered: dict[tuple[float, bool], Face]) -> tuple[list[float], list[Face | None]]:
    """Three seconds: rest, a smile, a blink."""
    rng = np.random.default_rng(0)
    times = (np.arange(3 * FPS) / FPS).tolist()
    keys = [(_smiling(t), BLINK[0] <= t < BLINK[1]) for t in times]
    return times, [_jittered(rendered[key], rng) for key in keys]


def _smile(found: CapturedClip, which: str) -> np.ndarray:
    return np.array([getattr(f, which).right.fields["smile"] for f in found.frames])


def test_smiles_and_blinks_stay_and_jitter_falls(
    clip: tuple[list[float], list[Face | None]], rendered: dict[tuple[float, bool], Face]
) -> None:
    times, faces = clip
    found = capture_over_time(faces, times, rendered[0.0, False])
    assert [f.time for f in found.frames] == times
    assert found.rest_frame is None
    assert found.rest_fault == ""
    raw, smooth = _smile(found, "captured"), _smile(found, "smoothed")
    truth = np.array([_smiling(t) for t in times])
    assert np.corrcoef(smooth, truth)[0, 1] > 0.98
    held = [k for k, t in enumerate(times) if 1.24 < t < 1.56]
    assert smooth[held].mean() == pytest.approx(raw[held].mean(), rel=0.05)
    still = [k for k, t in enumerate(times) if t < 0.7]
    values = [
        np.array([row(getattr(found.frames[k], w))[: len(channels())] for k in still]).std(0)
        for w in ("captured", "smoothed")
    ]
    assert values[1].sum() < 0.5 * values[0].sum()
    during = [f for f in found.frames if BLINK[0] <= f.time < BLINK[1]]
    for side in Side:
        depths = [
            max(getattr(f, w).of(side).closure for f in during if getattr(f, w) is not None)
            for w in ("captured", "smoothed")
        ]
        assert depths[0] > 0.3
        assert depths[1] > 0.9 * depths[0]


def test_the_rest_is_found_though_it_is_lopsided(
    clip: tuple[list[float], list[Face | None]], capsys: pytest.CaptureFixture[str]
) -> None:
    times, faces = clip
    found = capture_over_time(faces, times)
    assert found.rest_frame is not None
    assert _smiling(times[found.rest_frame]) == 0
    assert found.rest_fault == ""
    assert capsys.readouterr().err == ""
    at_rest = [f.smoothed for f in found.frames if f.time < 0.6]
    assert max(c.certainty["mouth"] for c in at_rest if c is not None) < 0.2


def test_a_clip_without_rest_is_said_to_have_none(
    clip: tuple[list[float], list[Face | None]],
    rendered: dict[tuple[float, bool], Face],
    capsys: pytest.CaptureFixture[str],
) -> None:
    rng = np.random.default_rng(1)
    times = (np.arange(24) / FPS).tolist()
    amounts = [round(abs(((k / 10) % 2) - 1), 1) for k in range(24)]
    moving: list[Face | None] = [_jittered(rendered[a, False], rng) for a in amounts]
    assert capture_over_time(moving, times, where="p.mp4").rest_fault == (
        "the face moves all the time"
    )
    assert "note: p.mp4: the face moves all the time, even in the calmest frames (at " in (
        capsys.readouterr().err
    )
    held: list[Face | None] = [_jittered(rendered[1.0, False], rng) for _ in times]
    assert find_rest(held, times).fault in ("the face smiles", "the mouth is open")


def test_short_gaps_are_bridged_and_long_ones_are_not(
    clip: tuple[list[float], list[Face | None]],
) -> None:
    times, faces = clip
    gap = int(BRIDGED * FPS) - 1
    missing: list[Face | None] = list(faces)
    missing[0] = None
    missing[15 : 15 + gap] = [None] * gap
    missing[50 : 50 + 2 * gap] = [None] * (2 * gap)
    found = capture_over_time(missing, times)
    bridged = [k for k, f in enumerate(found.frames) if f.bridged]
    assert bridged == list(range(15, 15 + gap))
    left_open = [k for k, f in enumerate(found.frames) if f.drive is None]
    assert left_open == [0, *range(50, 50 + 2 * gap)]
    assert all(f.captured is None for f in found.frames if f.face is None)


def test_what_cannot_be_captured(clip: tuple[list[float], list[Face | None]]) -> None:
    times, faces = clip
    with pytest.raises(InputError, match=r"^a\.mp4: no frame shows a face$"):
        capture_over_time([None, None], [0.0, 0.1], where="a.mp4")
    with pytest.raises(InputError, match="2 frames and 3 times"):
        capture_over_time(faces[:2], times[:3])
    for bad in ([0.0, 0.0], [0.1, 0.0], [0.0, float("nan")]):
        with pytest.raises(InputError, match="times must be finite seconds that increase"):
            capture_over_time(faces[:2], bad)


def test_live_frames_follow_at_once(
    clip: tuple[list[float], list[Face | None]], rendered: dict[tuple[float, bool], Face]
) -> None:
    times, faces = clip
    live = LiveCapture(rendered[0.0, False])
    drives = [live.update(face, t) for face, t in zip(faces, times, strict=True)]
    smile = np.array([0.0 if d is None else d.right.fields["smile"] for d in drives])
    truth = np.array([_smiling(t) for t in times])
    lags = [np.corrcoef(smile[lag:], truth[: len(truth) - lag])[0, 1] for lag in range(4)]
    assert int(np.argmax(lags)) <= 1
    assert max(lags) > 0.97
    blink = [d for d, t in zip(drives, times, strict=True) if BLINK[0] <= t < BLINK[1]]
    assert max(d.right.closure for d in blink if d is not None) > 0.9
    last = times[-1]
    assert live.update(None, last + 0.5 * BRIDGED) is not None
    assert live.update(None, last + 2 * BRIDGED) is None
    with pytest.raises(InputError, match="must be later than"):
        live.update(faces[0], last)


def test_coefficients_survive_as_a_row(rendered: dict[tuple[float, bool], Face]) -> None:
    found = capture(rendered[1.0, False], rendered[0.0, False])
    again = coefficients_of(row(found), found)
    np.testing.assert_allclose(row(again), row(found), atol=1e-6)
    assert again.certainty == pytest.approx(dict(found.certainty), abs=0.02)
    np.testing.assert_allclose(drive_of(again).offset, drive_of(found).offset, atol=1e-3)
    assert (noise(found) > 0).all()
    far = coefficients_of(row(found) + 10, found)
    assert far.left.closure == far.sealed == far.left.roll == 1
    assert max(far.left.fields.values()) <= 3.3 * 2


def test_a_rest_is_found_without_blendshapes(
    clip: tuple[list[float], list[Face | None]],
) -> None:
    times, faces = clip
    without = [None if face is None else replace(face, blendshapes=None) for face in faces]
    found = find_rest(without, times)
    assert _smiling(times[found.frame]) == 0
    assert found.face.blendshapes is None
    assert not any(face.blendshapes is None for face in faces if face is not None)


def test_a_known_rest_is_the_face_at_rest(rendered: dict[tuple[float, bool], Face]) -> None:
    face, rest = rendered[0.5, False], rendered[0.0, False]
    by_face, by_known = capture(face, rest), capture(face, know_rest(rest))
    np.testing.assert_array_equal(row(by_face), row(by_known))
    assert by_known.with_rest
