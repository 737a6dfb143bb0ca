"""What the ControlNet is told: edges of the patient, or of the patient's parts in another face.

CODC, contour-guided and organ-size deformation conditioning, shows the patient's eyes, nose and
mouth at the size and place of a non-patient's, inside the non-patient's contour. The paper detects
edges in each cropped part and resizes them; here the picture is resized first and the edges are
detected in the whole of it, because resized edges grow thick or break, and a crop's rim gives false
ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from palsynth.face import topology
from palsynth.face.edges import canny
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT, Framing
from palsynth.face.regions import region_mask, region_polygon

SIZE = 512

RIM = 0.06
"""Share of the outer-eye distance by which the inner face lies within the face's oval."""

_JAW = (172, 397)
_SUBNASALE = topology.PHILTRUM[0]
_EYES = {s: (topology.OUTER_CANTHUS[s], topology.INNER_CANTHUS[s]) for s in ("right", "left")}


@dataclass(frozen=True)
class Part:
    """An organ: ``points`` that it must show, the ``ruler`` (two points that no palsy moves) by
    whose length it is resized, and the points in whose ``middle`` it is held."""

    name: str
    points: tuple[int, ...]
    ruler: tuple[int, int]
    middle: tuple[int, ...]
    margin: float = 0.10
    """Around the points, as a share of the outer-eye distance."""


PARTS = (
    *(
        Part(
            f"{side} eye",
            (*topology.BROW_UPPER[side], *topology.BROW_LOWER[side],
             *topology.eye_polygon(side).tolist()),
            _EYES[side],
            _EYES[side],
        )
        for side in ("right", "left")
    ),
    Part("nose", (168, 209, 129, 98, 97, 2, 326, 327, 358, 429), (168, _SUBNASALE), (_SUBNASALE,)),
    Part(
        "mouth",
        (*topology.OUTER_UPPER_LIP, *topology.OUTER_LOWER_LIP),
        _JAW,  # the mouth's own width is part of the expression
        (_SUBNASALE,),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """``edges`` (S, S) uint8, 0 or 255; ``boxes`` part -> left, top, right, bottom of where its
    edges were taken to, pixels; ``scales`` part -> by how much it was resized; ``steps`` the
    pictures on the way, name -> (S, S, 3) or (S, S) uint8."""

    edges: np.ndarray
    boxes: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)
    scales: dict[str, float] = field(default_factory=dict)
    steps: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def pictures(self) -> dict[str, np.ndarray]:
        """The steps as pictures (S, S, 3) uint8."""
        as_rgb = {k: np.repeat(v[..., None], 3, 2) for k, v in self.steps.items() if v.ndim == 2}
        return {**self.steps, **as_rgb}


def plain(face: Face, size: int = SIZE, framing: Framing = PORTRAIT) -> Condition:
    """The patient's own edges, as the paper trains with."""
    aligned = face.aligned(framing, size)
    edges = plain_edges(aligned.image)
    return Condition(edges, steps={"patient": aligned.image, "edges": edges})


def codc(
    patient: Face, other: Face, *, contour: bool = True, organ_size: bool = True,
    nose: bool = True, size: int = SIZE, framing: Framing = PORTRAIT,
) -> Condition:  # fmt: skip
    """The patient's parts in the face of a non-patient.

    Without ``contour`` they stay in the patient's own face, without ``organ_size`` they keep
    their size; without both these are the patient's own edges. Without ``nose`` it is the
    non-patient's: a nose says who somebody is and little of what the face does. The paper takes
    the patient's.
    """
    mine, theirs = (f.aligned(framing, size) for f in (patient, other))
    frame = theirs if contour else mine
    edges = plain_edges(frame.image)
    whose = "non-patient's" if contour else "patient's"
    steps = {"patient": mine.image, "non-patient": theirs.image, f"{whose} edges": edges}
    inner = _inner(frame)
    if not contour and not organ_size and nose:
        return Condition(edges, steps={**steps, "condition": edges})
    out = np.where(inner, 0, edges).astype(np.uint8)
    steps[f"{whose} contour"] = out.copy()
    boxes, scales = {}, {}
    # a nose at rest comes first: its window reaches into the eyes, which then take that back
    for part in PARTS if nose else sorted(PARTS, key=lambda p: p.name != "nose"):
        shown = mine if nose or part.name != "nose" else theirs
        scale = _length(theirs, part.ruler) / _length(shown, part.ruler) if organ_size else 1.0
        scale, points, affine = _fitting(part, shown, frame, scale)
        moved = cv2.warpAffine(
            shown.image, affine, (size, size), flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        box = _box(points, part.margin * frame.outer_eyes, size)
        window = np.zeros_like(inner)
        window[box[1] : box[3], box[0] : box[2]] = True
        # a part's window belongs to it alone: what an earlier one left there is taken away
        out = np.where(window & inner, plain_edges(moved), out).astype(np.uint8)
        boxes[part.name], scales[part.name] = box, float(scale)
    steps["parts"] = _boxed(mine, [p for p in PARTS if nose or p.name != "nose"])
    steps["condition"] = out
    return Condition(out, boxes, scales, steps)


def plain_edges(image: np.ndarray) -> np.ndarray:
    """Canny edges (S, S) uint8 of a picture (S, S, 3), 0 or 255: thresholds follow the picture's
    own contrast, lines are one pixel wide."""
    return canny(image, sigma=max(0.8, image.shape[0] / 400))


def _inner(face: Face) -> np.ndarray:
    """(S, S) bool, the face within its contour."""
    mask = region_mask(face.landmarks, "face", face.image.shape).astype(np.uint8)
    rim = max(1, round(RIM * face.outer_eyes))
    return cv2.erode(mask, np.ones((2 * rim + 1, 2 * rim + 1), np.uint8)).astype(bool)


def _length(face: Face, ruler: tuple[int, int]) -> float:
    a, b = face.landmarks[list(ruler), :2]
    return max(float(np.linalg.norm(b - a)), 1e-6)


def _fitting(
    part: Part, mine: Face, frame: Face, scale: float
) -> tuple[float, np.ndarray, np.ndarray]:
    """The part's scale, where its points go (N, 2), and the affine (2, 3): as large as asked, or
    as much smaller as it takes to lie within the face."""
    here, there = (f.landmarks[list(part.middle), :2].mean(0) for f in (mine, frame))
    points = mine.landmarks[list(part.points), :2]
    oval = region_polygon(frame.landmarks, "face").astype(np.float32)
    for smaller in 0.96 ** np.arange(
        60
    ):  # to a tenth; a part about a point inside fits long before
        moved = there + scale * smaller * (points - here)
        inside = [cv2.pointPolygonTest(oval, (float(x), float(y)), True) for x, y in moved]
        if min(inside) > RIM * frame.outer_eyes:
            break
    scale *= float(smaller)
    affine = np.array([[scale, 0, there[0] - scale * here[0]],
                       [0, scale, there[1] - scale * here[1]]], np.float64)  # fmt: skip
    return scale, moved, affine


def _box(points: np.ndarray, margin: float, size: int) -> tuple[int, int, int, int]:
    left, top = np.floor(points.min(0) - margin).clip(0, size - 1).astype(int)
    right, bottom = np.ceil(points.max(0) + margin).clip(1, size).astype(int)
    return int(left), int(top), int(right), int(bottom)


def _boxed(face: Face, parts: list[Part]) -> np.ndarray:
    """The patient with the rectangles that are taken."""
    shown = face.image.copy()
    for part in parts:
        points = face.landmarks[list(part.points), :2]
        box = _box(points, part.margin * face.outer_eyes, shown.shape[0])
        cv2.rectangle(shown, box[:2], box[2:], (9, 105, 218), 2)
    return shown
