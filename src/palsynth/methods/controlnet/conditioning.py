"""Edges for the ControlNet: of the patient, or of the patient's parts in another face.

CODC, contour-guided and organ-size deformation conditioning (Tajima, Seo & Chen 2026, section
III.C and figure 5), places the patient's eyes, nose and mouth at the size and position of a
non-patient's, inside the non-patient's contour. The paper detects edges in each cropped part and
resizes them; here the image is resized first and edges are detected in all of it, because resized
edges become thick or break, and the border of a crop gives false ones.
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
"""Distance of the inner face from the face's oval, as a share of the outer-eye distance."""

_JAW = (172, 397)
_SUBNASALE = topology.PHILTRUM[0]
_EYES = {s: (topology.OUTER_CANTHUS[s], topology.INNER_CANTHUS[s]) for s in ("right", "left")}


@dataclass(frozen=True)
class Part:
    """An organ: the landmarks ``points`` that it must contain, the ``ruler`` (two landmarks that
    no palsy moves) whose length gives its scale, and the landmarks whose ``middle`` is its
    anchor."""

    name: str
    points: tuple[int, ...]
    ruler: tuple[int, int]
    middle: tuple[int, ...]
    margin: float = 0.10
    """Around the points, as a share of the outer-eye distance."""


def _eye(side: str) -> Part:
    brow = (*topology.BROW_UPPER[side], *topology.BROW_LOWER[side])
    points = (*brow, *topology.eye_polygon(side).tolist())
    return Part(f"{side} eye", points, _EYES[side], _EYES[side])


PARTS = (
    _eye("right"),
    _eye("left"),
    Part("nose", (168, 209, 129, 98, 97, 2, 326, 327, 358, 429), (168, _SUBNASALE), (_SUBNASALE,)),
    Part(
        "mouth",
        (*topology.OUTER_UPPER_LIP, *topology.OUTER_LOWER_LIP),
        _JAW,  # the mouth's own width is part of the expression
        (_SUBNASALE,),
    ),
)


@dataclass(frozen=True)
class Condition:
    """``edges`` (S, S) uint8, 0 or 255; ``boxes`` part -> left, top, right, bottom of its window
    in ``edges``, pixels; ``scales`` part -> factor by which it was resized; ``steps`` name -> the
    intermediate images, (S, S, 3) or (S, S) uint8."""

    edges: np.ndarray
    boxes: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)
    scales: dict[str, float] = field(default_factory=dict)
    steps: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def pictures(self) -> dict[str, np.ndarray]:
        """The steps as images (S, S, 3) uint8."""
        as_rgb = {k: np.repeat(v[..., None], 3, 2) for k, v in self.steps.items() if v.ndim == 2}
        return {**self.steps, **as_rgb}


def patient_edges(face: Face, size: int = SIZE, framing: Framing = PORTRAIT) -> Condition:
    """The patient's own edges, as the paper trains with (section III.A).

    Args:
        face: the patient.
        size: side of the result, pixels.
        framing: how the face is cropped.

    Returns:
        The condition, with the steps "patient" and "edges".
    """
    aligned = face.aligned(framing, size)
    edges = canny_edges(aligned.image)
    return Condition(edges, steps={"patient": aligned.image, "edges": edges})


def codc(
    patient: Face,
    other: Face,
    *,
    contour: bool = True,
    organ_size: bool = True,
    nose: bool = True,
    size: int = SIZE,
    framing: Framing = PORTRAIT,
) -> Condition:
    """The patient's parts in the face of a non-patient (section III.C of the paper).

    Args:
        patient: the face with the expression.
        other: the non-patient, at rest.
        contour: use the non-patient's contour; if False, the parts stay in the patient's face.
        organ_size: resize the parts to the non-patient's; if False, they keep their size. Without
            ``contour`` too, the result is the patient's own edges.
        nose: use the patient's nose, as the paper does; if False, the non-patient's: a nose
            reveals identity and shows little of the movement.
        size: side of the result, pixels.
        framing: how both faces are cropped.

    Returns:
        The condition, with all steps.
    """
    source, target = (f.aligned(framing, size) for f in (patient, other))
    frame = target if contour else source
    edges = canny_edges(frame.image)
    owner = "non-patient's" if contour else "patient's"
    steps = {"patient": source.image, "non-patient": target.image, f"{owner} edges": edges}
    if not contour and not organ_size and nose:
        return Condition(edges, steps={**steps, "condition": edges})
    inner = _inner(frame)
    out = np.where(inner, 0, edges).astype(np.uint8)
    steps[f"{owner} contour"] = out.copy()
    boxes, scales = {}, {}
    # a nose at rest goes first: its window overlaps the eyes, which then overwrite it
    for part in PARTS if nose else sorted(PARTS, key=lambda p: p.name != "nose"):
        face = source if nose or part.name != "nose" else target
        scale = _length(target, part.ruler) / _length(face, part.ruler) if organ_size else 1.0
        scale, points, affine = _fit_inside(part, face, frame, scale)
        moved = cv2.warpAffine(
            face.image,
            affine,
            (size, size),
            flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        box = _box(points, part.margin * frame.outer_eyes, size)
        window = np.zeros_like(inner)
        window[box[1] : box[3], box[0] : box[2]] = True
        # a window holds the edges of one part only: those of an earlier part are overwritten
        out = np.where(window & inner, canny_edges(moved), out).astype(np.uint8)
        boxes[part.name], scales[part.name] = box, float(scale)
    steps["parts"] = _with_boxes(source, [p for p in PARTS if nose or p.name != "nose"])
    steps["condition"] = out
    return Condition(out, boxes, scales, steps)


def canny_edges(image: np.ndarray) -> np.ndarray:
    """Canny edges of an image, one pixel wide; the thresholds follow the image's own contrast.

    Args:
        image: (S, S, 3) uint8 RGB.

    Returns:
        (S, S) uint8, 0 or 255.
    """
    return canny(image, sigma=max(0.8, image.shape[0] / 400))


def _inner(face: Face) -> np.ndarray:
    """(S, S) bool mask of the face within its contour."""
    mask = region_mask(face.landmarks, "face", face.image.shape).astype(np.uint8)
    rim = max(1, round(RIM * face.outer_eyes))
    return cv2.erode(mask, np.ones((2 * rim + 1, 2 * rim + 1), np.uint8)).astype(bool)


def _length(face: Face, ruler: tuple[int, int]) -> float:
    a, b = face.landmarks[list(ruler), :2]
    return max(float(np.linalg.norm(b - a)), 1e-6)


def _fit_inside(
    part: Part, face: Face, frame: Face, scale: float
) -> tuple[float, np.ndarray, np.ndarray]:
    """The part's scale, its points (N, 2) in the frame, and the affine map (2, 3) that takes them
    there: at the scale requested, or reduced until they lie within the frame's face."""
    start, end = (f.landmarks[list(part.middle), :2].mean(0) for f in (face, frame))
    points = face.landmarks[list(part.points), :2]
    oval = region_polygon(frame.landmarks, "face").astype(np.float32)
    # down to a tenth: a part whose anchor lies within the oval fits long before
    for reduction in 0.96 ** np.arange(60):
        moved = end + scale * reduction * (points - start)
        depths = [cv2.pointPolygonTest(oval, (float(x), float(y)), True) for x, y in moved]
        if min(depths) > RIM * frame.outer_eyes:
            break
    scale *= float(reduction)
    affine = np.array(
        [[scale, 0, end[0] - scale * start[0]], [0, scale, end[1] - scale * start[1]]], np.float64
    )
    return scale, moved, affine


def _box(points: np.ndarray, margin: float, size: int) -> tuple[int, int, int, int]:
    left, top = np.floor(points.min(0) - margin).clip(0, size - 1).astype(int)
    right, bottom = np.ceil(points.max(0) + margin).clip(1, size).astype(int)
    return int(left), int(top), int(right), int(bottom)


def _with_boxes(face: Face, parts: list[Part]) -> np.ndarray:
    """The patient's image with the rectangles around the parts."""
    out = face.image.copy()
    for part in parts:
        points = face.landmarks[list(part.points), :2]
        box = _box(points, part.margin * face.outer_eyes, out.shape[0])
        cv2.rectangle(out, box[:2], box[2:], (9, 105, 218), 2)
    return out
