"""The one path of every picture: a request goes to a method, a picture with its record comes out,
and in a dataset also its row.

What a request holds is converted by what the method takes (see
:func:`palsynth.methods.resolve.converted`); what was requested, not what it was converted to, is
recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from palsynth.clinical import Movement, Palsy
from palsynth.data.manifest import Row
from palsynth.data.writer import DatasetWriter
from palsynth.errors import InputError
from palsynth.face.images import text_chunks, write_png
from palsynth.face.label import DigitalSource, recorded
from palsynth.generation.camera import CameraSettings, photographed, posed
from palsynth.generation.provenance import provenance
from palsynth.generation.variety import Variety, vary
from palsynth.methods.base import (
    Averages,
    KnowsLandmarks,
    Method,
    Request,
    TargetExpression,
)
from palsynth.methods.resolve import converted
from palsynth.progress import Progress

BATCH = 8
"""Requests in one call of a method; no picture depends on it."""


@dataclass(frozen=True)
class Generated:
    """A picture that a method made.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        request: what was requested.
        record: how it was made, see :func:`palsynth.generation.provenance.provenance`.
        landmarks: (478, 3) float32 in pixels, exact; None where the method does not know them.
        synthetic: whether the picture is synthetic, not a copy.
    """

    image: np.ndarray
    request: Request
    record: dict[str, Any]
    landmarks: np.ndarray | None = None
    synthetic: bool = True

    def write(self, path: Path) -> None:
        """Writes the picture with its record.

        Args:
            path: the PNG to write.
        """
        write_png(path, self.image, **self.chunks)

    @property
    def source(self) -> DigitalSource | None:
        """How the picture came to be; None of a copy."""
        return recorded(self.record)

    @property
    def chunks(self) -> dict[str, str]:
        """The text that the picture's file carries."""
        return text_chunks(self.record, made=self.synthetic)


def generate(
    method: Method,
    requests: Iterable[Request],
    batch: int = BATCH,
    variety: Variety | None = None,
    camera: CameraSettings | None = None,
) -> Iterator[Generated]:
    """Makes the pictures of requests, a batch at a time.

    Args:
        method: the method that makes them.
        requests: what to make; read as the pictures are taken.
        batch: requests in one call of the method.
        variety: how far their seeds vary the requests; a method that averages its samples then
            samples once. Default: pictures show exactly what is requested.
        camera: how far their seeds vary the taking of the pictures. Default: not at all.

    Yields:
        One picture per request, in their order.

    Raises:
        InputError: the method does not take a request's identity or expression, copies pictures
            that are to vary, or makes something else than the requested pictures.
    """
    if batch < 1:
        raise InputError(f"batch {batch}: must be at least 1")
    if variety is not None and not method.synthetic:
        raise InputError(f"method {method.name}: copies pictures, which cannot vary")
    if camera is not None and not method.synthetic:
        raise InputError(f"method {method.name}: copies pictures, which are taken already")
    if variety is not None and isinstance(method, Averages):
        method = method.sampling_once()
    settings = {"variety": variety, "camera": camera}
    named = {name: asdict(value) for name, value in settings.items() if value is not None}
    remaining = iter(requests)
    while part := list(islice(remaining, batch)):
        if camera is not None:
            part = [posed(request, camera) for request in part]
        given = part if variety is None else [vary(request, variety) for request in part]
        faces = _call(method, [converted(request, method) for request in given])
        for request, (image, landmarks) in zip(part, faces, strict=True):
            record = provenance(method, request, **named)
            if camera is not None:
                image = photographed(image, camera, request.seed)
            yield Generated(image, request, record, landmarks, method.synthetic)


def _call(
    method: Method, requests: Sequence[Request]
) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """Images, each with its exact landmarks if the method knows them."""
    made: list[tuple[np.ndarray, np.ndarray | None]]
    if isinstance(method, KnowsLandmarks):
        made = [(face.image, face.landmarks) for face in method.faces(requests)]
    else:
        made = [(image, None) for image in method(requests)]
    if len(made) != len(requests):
        raise InputError(
            f"method {method.name}: made {len(made)} images of {len(requests)} requests; mend it"
        )
    for request, (image, _) in zip(requests, made, strict=True):
        _check_image(method, request, image)
    return made


def _check_image(method: Method, request: Request, image: np.ndarray) -> None:
    """Raises InputError where a method, perhaps of another package, does not keep its contract."""
    form = f"{image.dtype} {image.shape}"
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise InputError(f"method {method.name}: made {form}, not (H, W, 3) uint8 RGB; mend it")
    size = request.size
    if request.framing is not None and image.shape[:2] != (size, size):
        raise InputError(f"method {method.name}: made {form}, not {size} px a side; mend it")


@dataclass(frozen=True)
class Planned:
    """A picture of a dataset that is to be made.

    Attributes:
        file_name: path relative to the dataset.
        subject_id: the subject in the manifest.
        request: what to make.
        labels: movement and palsy for the row, where the request's expression does not say them;
            an unknown palsy is None.
        rated: side, hb_grade and yanagihara_item for the row, where the palsy is unknown.
        named: names for the record, see :func:`palsynth.generation.provenance.provenance`.
        split: split of the row.
        attributes: further columns of the row.
    """

    file_name: str
    subject_id: str
    request: Request
    labels: tuple[Movement, Palsy | None] | None = None
    rated: dict[str, Any] = field(default_factory=dict)
    named: dict[str, Any] = field(default_factory=dict)
    split: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def shown(self) -> tuple[Movement | None, Palsy | None]:
        """The movement and the palsy of the row; None where unknown."""
        return self.labels or _labels(self.request)

    def row(self, picture: Generated, **measured: Any) -> Row:
        """The picture's row of the manifest.

        Args:
            picture: the picture that was made.
            **measured: measurements of the picture by name.

        Returns:
            The row, labelled with what was requested.
        """
        movement, palsy = self.shown
        record = {**picture.record, **self.named}
        return Row.for_request(
            self.file_name,
            self.subject_id,
            movement,
            palsy,
            split=self.split,
            provenance=record if picture.synthetic else None,
            measured=measured or None,
            attributes=self.attributes,
            **(self.rated if palsy is None else {}),
        )


def _labels(request: Request) -> tuple[Movement | None, Palsy | None]:
    expression = request.expression
    if isinstance(expression, TargetExpression):
        return expression.movement, expression.palsy
    return None, None


def write_planned(
    writer: DatasetWriter,
    planned: Iterable[Planned],
    method: Method,
    total: int,
    progress: Progress | None = None,
) -> None:
    """Makes the pictures of a dataset that do not exist yet.

    Args:
        writer: writer of the dataset, new or interrupted.
        planned: the pictures; read as they are made, so that their subjects and faces need not be
            in memory together.
        method: the method that makes them.
        total: number of planned pictures, for the progress.
        progress: called with the number of finished pictures and their total.

    Raises:
        InputError: the method does not take a request's identity or expression, or a file cannot
            be written.
    """
    missing: list[Planned] = []
    done = 0
    for item in planned:
        if writer.has(item.file_name):
            done += 1
            continue
        missing.append(item)
        if len(missing) == BATCH:
            done += _write(writer, missing, method)
            missing = []
            if progress is not None:
                progress(done, total)
    done += _write(writer, missing, method)
    if progress is not None:
        progress(done, total)


def _write(writer: DatasetWriter, planned: Sequence[Planned], method: Method) -> int:
    pictures = generate(method, [item.request for item in planned])
    for item, picture in zip(planned, pictures, strict=True):
        writer.add(picture.image, item.row(picture), picture.source)
    return len(planned)
