"""What one visitor sees live."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("gradio", reason="gradio is not installed")

from palsynth.app.mirror import MAX_PIXELS, SIZE, Mirror, read_choice, read_frame
from palsynth.capture import capture
from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.errors import InputError
from palsynth.face.detect import detect_face
from palsynth.face.label import DigitalSource, newscode, read_xmp
from palsynth.subjects import HeadPose, Scene, View, render, sample

SUBJECT = {"face": "subject", "seed": "7", "side": "none"}
OWN = {"face": "own", "side": "left", "grade": "VI", "kind": "peripheral"}


def jpeg(image: np.ndarray, **how: object) -> bytes:
    data = io.BytesIO()
    Image.fromarray(image).save(data, "JPEG", quality=90, **how)
    return data.getvalue()


def frame(movement: Movement = Movement.REST, yaw: float = 0.0) -> bytes:
    scene = Scene(pose=HeadPose(yaw=yaw))
    return jpeg(render(sample(12), movement, view=View(384, scene=scene)).image)


def picture(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def mirror(choice: dict[str, str]) -> Mirror:
    made = Mirror(read_choice(json.dumps(choice)))
    made.take_rest()
    assert made.show(made.see(frame(), 0.0))
    return made


def test_a_subject_moves_as_the_visitor_does() -> None:
    made = mirror(SUBJECT)
    rest = detect_face(picture(made.show(made.see(frame(), 0.1))))
    seen = made.see(frame(Movement.GRIN), 0.2)
    data = made.show(seen)
    assert picture(data).shape == (SIZE, SIZE, 3)
    found = capture(detect_face(picture(data)), rest)
    assert found.left.fields["mouthSmile"] > 0.3
    assert found.right.fields["mouthSmile"] > 0.3
    assert set(seen.seconds) == {"decode", "landmarks", "capture", "retarget", "encode"}
    assert seen.note == ""
    assert newscode(read_xmp(data)) == DigitalSource.TRAINED.value


def test_the_head_of_a_subject_follows() -> None:
    made = mirror(SUBJECT)
    for k in range(1, 12):
        turned = made.see(frame(yaw=10.0), k / 15)
    assert turned.turn.yaw == pytest.approx(10.0, abs=4.0)
    still = detect_face(picture(made.show(made.see(frame(), 1.0))))
    assert np.abs(still.landmarks - detect_face(picture(made.show(turned))).landmarks).max() > 5


def test_the_visitors_own_face_gets_the_palsy() -> None:
    made = mirror(OWN)
    healthy = mirror({**OWN, "side": "none"})
    rest = detect_face(picture(healthy.show(healthy.see(frame(), 0.1))))
    data = made.show(made.see(frame(Movement.GRIN), 0.1))
    found = capture(detect_face(picture(data)), rest)
    assert found.drag < -0.3  # to the strong side
    left, right = (found.of(side).fields["mouthFrown"] for side in (Side.LEFT, Side.RIGHT))
    assert left > right + 0.3  # the corner hangs
    assert newscode(read_xmp(data)) == DigitalSource.COMPOSITE.value


def test_the_choice_changes_while_it_is_live() -> None:
    made = mirror(SUBJECT)
    before = picture(made.show(made.see(frame(), 0.1)))
    made.choice = read_choice(json.dumps({**SUBJECT, "seed": "8"}))
    assert np.abs(picture(made.show(made.see(frame(), 0.2))).astype(int) - before).max() > 40


def test_an_own_face_needs_a_rest_first() -> None:
    made = Mirror(read_choice(json.dumps(OWN)))
    seen = made.see(frame(), 0.0)
    assert made.show(seen) == b""
    assert "press Take rest" in seen.note


def test_a_rest_that_is_none_is_said() -> None:
    made = Mirror(read_choice(json.dumps(SUBJECT)))
    made.take_rest()
    assert made.see(frame(Movement.GRIN), 0.0).note.startswith("Rest is taken, but the ")


def test_frames_without_a_face_or_with_two_are_said() -> None:
    made = mirror(SUBJECT)
    empty = jpeg(np.full((200, 300, 3), 128, np.uint8))
    assert made.see(empty, 0.1).drive is not None  # bridged
    gone = made.see(empty, 1.0)
    assert (gone.drive, gone.note, made.show(gone)) == (None, "no face found", b"")
    two = Mirror(made.choice)
    one = render(sample(12), view=View(256)).image
    assert "2 faces of similar size" in two.see(jpeg(np.hstack([one, one])), 0.0).note


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "not a JPEG picture"),
        (b"<svg/>", "not a JPEG picture"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not a JPEG picture"),
        (jpeg(np.zeros((1000, 1300, 3), np.uint8)), "1280 x 960 at most"),
        (jpeg(np.zeros((8, 8, 3), np.uint8)), "64 px a side or more"),
    ],
)
def test_bad_frames_get_a_word(data: bytes, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        read_frame(data)
    assert fault in Mirror(read_choice(json.dumps(SUBJECT))).see(data, 0.0).note


def test_a_bomb_is_not_decoded() -> None:
    data = bytearray(jpeg(np.zeros((64, 64, 3), np.uint8)))
    at = data.index(b"\xff\xc0") + 5
    for size in (b"\xff\xff\xff\xff", b"\x27\x10\x27\x10"):
        data[at : at + 4] = size
        with pytest.raises(InputError, match="1280 x 960 at most"):
            read_frame(bytes(data))
    assert MAX_PIXELS < 10_000 * 10_000


def test_truncated_frames_do_no_harm() -> None:
    whole, made = frame(), mirror(SUBJECT)
    for k, length in enumerate((2, 20, 300, len(whole) // 2, len(whole) - 2)):
        seen = made.see(whole[:length], 1.0 + k)
        made.show(seen)


@pytest.mark.parametrize("when", [0.0, -1.0, float("nan")])
def test_times_that_do_not_increase_are_said(when: float) -> None:
    made = mirror(SUBJECT)
    seen = made.see(frame(), when)
    assert "must be later" in seen.note
    made.show(seen)


def test_a_choice_says_what_is_chosen() -> None:
    choice = read_choice(json.dumps({**SUBJECT, "gender": "woman", "group": "any", "age": "40"}))
    assert choice.subject is not None
    assert choice.palsy == Palsy.none()
    own = read_choice(json.dumps(OWN))
    assert own.subject is None
    assert own.palsy == Palsy.peripheral(Side.LEFT, Grade.VI)


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "[]",
        "{",
        "[" * 1900,
        json.dumps({**SUBJECT, "seed": 7}),
        json.dumps({**SUBJECT, "seed": "1e3"}),
        json.dumps({**SUBJECT, "seed": "99999999"}),
        json.dumps({**SUBJECT, "seed": "²"}),
        json.dumps({**SUBJECT, "gender": "x"}),
        json.dumps({**SUBJECT, "age": "x"}),
        json.dumps({**SUBJECT, "group": "x"}),
        json.dumps({**OWN, "side": "up"}),
        json.dumps({**OWN, "grade": "IX"}),
    ],
)
def test_other_choices_are_refused(sent: str) -> None:
    with pytest.raises(InputError):
        read_choice(sent)
