from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.generation.camera import CameraSettings, photographed, posed
from palsynth.generation.runner import generate
from palsynth.methods import Request, TargetExpression, get_method
from palsynth.subjects import sample

GRIN = TargetExpression(Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.IV))
SUBJECT = sample(970_161)
STILL = CameraSettings(pose=0, backdrop=False, blur=0, noise=0, jpeg=0)


def test_a_still_camera_changes_nothing(face: Face) -> None:
    request = Request(SUBJECT, GRIN, seed=3)
    assert posed(request, STILL) == request
    assert np.array_equal(photographed(face.image, STILL, 3), face.image)


def test_poses_have_the_range_of_people_who_look_into_a_camera() -> None:
    camera = replace(STILL, pose=1.0)
    scenes = [posed(Request(SUBJECT, GRIN, seed=s), camera).scene for s in range(300)]
    angles = np.array([[s.pose.yaw, s.pose.pitch, s.pose.roll] for s in scenes])
    assert angles.std(0) == pytest.approx([4, 3, 2], rel=0.15)
    assert np.abs(angles.mean(0)).max() < 0.6
    assert {s.backdrop for s in scenes} == {None}


def test_a_photo_keeps_its_pose(face: Face) -> None:
    request = Request(face, GRIN, seed=3)
    assert posed(request, CameraSettings()) is request


def test_another_wall_changes_the_background_alone() -> None:
    request = Request(SUBJECT, GRIN, seed=3, size=128)
    method = get_method("subjects")
    plain, walled = (
        next(generate(method, [posed(request, camera)])).image
        for camera in (STILL, replace(STILL, backdrop=True))
    )
    changed = np.abs(plain.astype(int) - walled).max(-1) > 0
    assert changed[:10, :10].mean() > 0.9
    assert changed[50:90, 50:78].mean() == 0, "the face"


def test_noise_blur_and_jpeg_are_of_the_size_that_was_set(face: Face) -> None:
    image = face.image
    noisy = photographed(image, replace(STILL, noise=20), 1).astype(int) - image
    assert 0 < noisy.std() < 20
    blurred = photographed(image, replace(STILL, blur=5), 1).astype(float)
    sharp = np.abs(np.diff(image.astype(float), axis=1)).mean()
    assert np.abs(np.diff(blurred, axis=1)).mean() < 0.95 * sharp
    many = [photographed(image, replace(STILL, jpeg=0.3), seed) for seed in range(100)]
    assert 15 <= sum(not np.array_equal(image, one) for one in many) <= 45


def test_the_seed_alone_decides_and_the_record_says_how() -> None:
    method = get_method("subjects")
    requests = [Request(SUBJECT, GRIN, seed=s, size=96) for s in (1, 2)]
    both = list(generate(method, requests, camera=CameraSettings()))
    (second,) = generate(method, requests[1:], camera=CameraSettings())
    assert np.array_equal(both[1].image, second.image)
    assert not np.array_equal(both[0].image, both[1].image)
    assert second.record["camera"]["noise"] == 2.0
    assert second.record["scene"]["backdrop"] == both[1].record["scene"]["backdrop"]


def test_copies_are_taken_already(face: Face) -> None:
    with pytest.raises(InputError, match="copy-identity: copies pictures, which are taken already"):
        next(generate(get_method("copy-identity"), [Request(face, GRIN)], camera=CameraSettings()))


@pytest.mark.parametrize(
    ("name", "value", "most"), [("pose", 3, 2), ("blur", -1, 5), ("noise", 30, 20), ("jpeg", 2, 1)]
)
def test_settings_out_of_range_are_named(name: str, value: float, most: float) -> None:
    text = f"camera: {name} {value:g}: must lie between 0 and {most:g}"
    with pytest.raises(InputError, match=text):
        CameraSettings(**{name: value})
