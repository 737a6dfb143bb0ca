"""A live mirror: the visitor's face moves a synthetic subject, or is shown with a palsy."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from palsynth.app.tabs.face import ANY, chosen_subject
from palsynth.app.tabs.simulate import graded_palsy
from palsynth.capture.at_rest import not_at_rest
from palsynth.capture.over_time import LiveCapture
from palsynth.capture.smoothing import State, advance, start
from palsynth.clinical import Palsy
from palsynth.documents import parse_json
from palsynth.errors import InputError
from palsynth.face.containers import DAMAGED
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.face.label import DigitalSource, xmp_packet
from palsynth.face.tracking import FaceTracker
from palsynth.simulator.compose import compose
from palsynth.simulator.drive import Drive
from palsynth.simulator.motion import Sway
from palsynth.simulator.photo import at_rest
from palsynth.simulator.rest import Rest
from palsynth.simulator.surface import estimate_pose
from palsynth.simulator.weaken import weakened
from palsynth.subjects import HeadPose, Scene, Sitting, Subject, View
from palsynth.subjects.scene import head_pose

SIZE = 384
"""Side of the pictures, pixels."""

MAX_PIXELS = 1280 * 960
"""Most pixels of a frame."""

MIN_SIDE = 64
"""Smallest side of a frame, pixels."""

QUALITY = 85
"""Quality of the pictures as JPEG."""

TURN = HeadPose(yaw=18.0, pitch=12.0, roll=20.0)
"""How far a subject's head follows the visitor's, degrees to either side."""

STEADY = 1.5
"""Frequency, Hz, from which the sway of a head is smoothed away; a convention of this project."""

NOTICED = 0.4
"""Degrees by which a head must turn for its subject to be redrawn: half a pixel at the nose."""

TREMOR = 0.3
"""Standard error of the pose of a head in one frame, degrees."""

REST_FIRST = "Relax your face, look straight at the camera and press Take rest."


@dataclass(frozen=True)
class Choice:
    """What the visitor wants to see."""

    subject: Subject | None
    """The synthetic subject who is moved; None for the visitor's own face."""

    palsy: Palsy
    """The palsy that the face gets; none to follow the visitor as is."""


@dataclass
class Seen:
    """What a frame shows."""

    drive: Drive | None = None
    """What drives the face; None where there is none, or it is unclear which is meant."""

    turn: Sway = field(default_factory=lambda: Sway(0.0, 0.0, 0.0))
    """How the head is turned from where it was at rest."""

    note: str = ""
    """What the visitor should know of it, one line; empty where all is well."""

    seconds: dict[str, float] = field(default_factory=dict)
    """Time that each stage took."""


def read_choice(text: str) -> Choice:
    """Reads what a page has sent.

    Args:
        text: JSON with ``face`` (``own`` or ``subject``), for a subject also ``gender``, ``group``,
            ``age`` and ``seed``, and ``side`` (``none``, ``left`` or ``right``), ``grade`` and
            ``kind`` of the palsy; all of them text.

    Returns:
        The choice.

    Raises:
        InputError: it is none.
    """
    sent = parse_json(text, "choice")
    if not isinstance(sent, dict) or not all(isinstance(part, str) for part in sent.values()):
        raise InputError("the choice cannot be read; reload the page")
    side, grade, kind = (sent.get(key, "") for key in ("side", "grade", "kind"))
    palsy = Palsy.none() if side == "none" else graded_palsy(side, grade, kind)
    if sent.get("face") == "own":
        return Choice(None, palsy)
    seed = sent.get("seed", "")
    if not (seed.isascii() and seed.isdigit() and len(seed) < 10):
        raise InputError("seed: must be a whole number")
    gender, group, age = (sent.get(key, ANY) for key in ("gender", "group", "age"))
    return Choice(chosen_subject(gender, group, age, int(seed)), palsy)


def read_frame(data: bytes) -> np.ndarray:
    """Decodes a frame.

    Args:
        data: a JPEG picture.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        InputError: it is no JPEG picture, damaged, or too large or small.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as picture:
            width, height = picture.size
    except (UnidentifiedImageError, *DAMAGED):
        raise InputError("the frame is not a JPEG picture") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        width = height = MAX_PIXELS
    if width * height > MAX_PIXELS or min(width, height) < MIN_SIDE:
        raise InputError(f"frames must have {MIN_SIDE} px a side or more, 1280 x 960 at most")
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if decoded is None or decoded.shape[:2] not in ((height, width), (width, height)):
        raise InputError("the frame is damaged")
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB))


class Mirror:
    """What one visitor sees live. :meth:`see` and :meth:`show` may run in two threads, so that one
    frame is measured while the last one is rendered.

    Attributes:
        choice: what the visitor wants to see.
    """

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self._tracker, self._capture, self._head = FaceTracker(), LiveCapture(), _Head()
        self._own: Rest | None = None
        self._held: tuple[Subject, Sway, Sitting] | None = None
        self._take_rest = False

    def take_rest(self) -> None:
        """Takes the next face for the visitor at rest, from which movements are measured."""
        self._take_rest = True

    def see(self, data: bytes, when: float) -> Seen:
        """Measures a frame.

        Args:
            data: the frame, a JPEG picture.
            when: its time in seconds, later than that of the last one.

        Returns:
            What it shows; a frame that cannot be used has a note that says why.
        """
        seen = Seen()
        try:
            with _timed(seen, "decode"):
                image = read_frame(data)
            with _timed(seen, "landmarks"):
                face = self._tracker.update(image)
            with _timed(seen, "capture"):
                if face is not None and self._take_rest:
                    seen.note = self._rest_taken(face)
                seen.drive = self._capture.update(face, when)
                if face is not None:
                    seen.turn = self._head.update(face, when)
        except InputError as error:
            seen.note = str(error)
        else:
            seen.note = self._tracker.fault or seen.note
        return seen

    def show(self, seen: Seen) -> bytes:
        """Makes the picture of a frame, and adds the time that it took to what was seen.

        Args:
            seen: what the frame shows.

        Returns:
            JPEG, labelled as synthetic; empty where there is nothing to show, as the note says.
        """
        choice, own, drive = self.choice, self._own, seen.drive
        if choice.subject is None and own is None:
            seen.note = seen.note or REST_FIRST
            return b""
        if drive is None:
            return b""
        with _timed(seen, "retarget"):
            if choice.palsy != Palsy.none():
                drive = weakened(drive, choice.palsy)
            if choice.subject is None:
                assert own is not None
                image, source = compose(own, drive).image, DigitalSource.COMPOSITE
            else:
                image = self._sitting(choice.subject, seen.turn).picture(drive)
                source = DigitalSource.TRAINED
        with _timed(seen, "encode"):
            data = io.BytesIO()
            xmp = xmp_packet(source).encode()
            Image.fromarray(image).save(data, "JPEG", quality=QUALITY, xmp=xmp)
        return data.getvalue()

    def _sitting(self, subject: Subject, turn: Sway) -> Sitting:
        """The subject with the head turned; a head that hardly moves stays as it is drawn."""
        held = self._held
        if held is None or held[0] is not subject or _apart(held[1], turn) > NOTICED:
            view = View(SIZE, PORTRAIT, Scene().swayed(turn))
            held = self._held = (subject, turn, Sitting(subject, view))
        return held[2]

    def _rest_taken(self, face: Face) -> str:
        """Takes a face for the visitor at rest; returns what is wrong with it."""
        self._take_rest = False
        self._own = at_rest(face.aligned(PORTRAIT, SIZE))
        self._capture, self._head = LiveCapture(face), _Head(face)
        fault = not_at_rest(face)
        return "" if fault is None else f"Rest is taken, but {fault}; relax and take it again."


class _Head:
    """How a head is turned from where it was at rest, smoothed over time."""

    def __init__(self, rest: Face | None = None) -> None:
        self._rest = np.zeros(3) if rest is None else _angles(rest)
        self._state: State | None = None
        self._time = 0.0

    def update(self, face: Face, when: float) -> Sway:
        angles, noise = _angles(face) - self._rest, np.full(3, TREMOR**2)
        if self._state is None:
            self._state = start(angles, noise)
        else:
            seconds, cutoff = when - self._time, np.full(3, STEADY)
            _, self._state = advance(self._state, seconds, angles, noise, cutoff)
        self._time = when
        most = [TURN.yaw, TURN.pitch, TURN.roll]
        return Sway(*np.clip(self._state.mean[0], np.negative(most), most).tolist())


def _angles(face: Face) -> np.ndarray:
    pose = head_pose(estimate_pose(face.landmarks).rotation)
    return np.array([pose.yaw, pose.pitch, pose.roll])


def _apart(one: Sway, other: Sway) -> float:
    return max(abs(getattr(one, k) - getattr(other, k)) for k in ("yaw", "pitch", "roll"))


@contextmanager
def _timed(seen: Seen, stage: str) -> Iterator[None]:
    begin = time.perf_counter()
    try:
        yield
    finally:
        seen.seconds[stage] = time.perf_counter() - begin
