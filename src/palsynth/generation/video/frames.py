"""Makes the frames of a clip: one request each, in one scene, streamed from processes."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice

import numpy as np

from palsynth.errors import InputError
from palsynth.face.detect import detect_faces
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.generation.runner import BATCH, generate
from palsynth.generation.video.script import ClipSettings
from palsynth.methods.base import Expression, Identity, Method, Request, Weightless
from palsynth.methods.resolve import REST
from palsynth.simulator.motion import Moment
from palsynth.workers import stream_in_processes


def portrait_request(identity: Identity, expression: Expression, settings: ClipSettings) -> Request:
    """The request of a frame whose head is held still.

    Args:
        identity: who is shown.
        expression: the expression.
        settings: how the clip is made.

    Returns:
        The request, with the seed that all frames share.
    """
    return Request(
        identity, expression, settings.seed, settings.size, PORTRAIT, words=settings.words
    )


def clip_requests(
    identity: Identity, moments: Iterable[Moment], settings: ClipSettings
) -> Iterator[Request]:
    """The requests of a clip's frames.

    They share seed, light, camera and backdrop; a synthetic subject's head sways, a photo's is held
    where it is. A photo is cropped once.

    Args:
        identity: who is shown.
        moments: what happens, one per frame.
        settings: how the clip is made.

    Yields:
        One request per moment.
    """
    if isinstance(identity, Face):
        identity = identity.aligned(PORTRAIT, settings.size)
    for moment in moments:
        request = portrait_request(identity, moment.drive, settings)
        if isinstance(identity, Face):
            yield replace(request, framing=None)
        else:
            yield replace(request, scene=request.scene.swayed(moment.sway))


def make_frames(
    method: Method, requests: Iterable[Request], workers: int = 1
) -> Generator[np.ndarray]:
    """Makes frames, a few at a time.

    Args:
        method: the method that makes them.
        requests: one per frame; read as the frames are taken.
        workers: number of processes; the frames do not depend on it.

    Yields:
        (S, S, 3) uint8 RGB each, in order.

    Raises:
        InputError: the method copies pictures, is a network and there are several workers, or does
            not take what is requested.
    """
    if not method.synthetic:
        raise InputError(f"method {method.name}: copies pictures, which do not move")
    if workers > 1 and not isinstance(method, Weightless):
        raise InputError(
            f"method {method.name}: is a network, which uses all processors by itself; leave out "
            "--workers"
        )
    for images in stream_in_processes(partial(_make, method), _batches(requests), workers):
        yield from images


def _batches(requests: Iterable[Request]) -> Iterator[list[Request]]:
    remaining = iter(requests)
    while batch := list(islice(remaining, BATCH)):
        yield batch


def _make(method: Method, requests: list[Request]) -> list[np.ndarray]:
    return [picture.image for picture in generate(method, requests)]


def face_at_rest(method: Method, identity: Identity, settings: ClipSettings) -> Face | None:
    """The identity at rest and healthy as the method shows it: what movements are measured from.

    Args:
        method: the method that makes the clip.
        identity: who is shown.
        settings: how the clip is made.

    Returns:
        The face; None where the picture does not show exactly one.
    """
    (picture,) = generate(method, [portrait_request(identity, REST, settings)])
    faces = detect_faces(picture.image)
    return faces[0] if len(faces) == 1 else None
