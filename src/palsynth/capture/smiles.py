"""Fits the effects of smiling to photographs of people, neutral and smiling.

Three means over people, each counted as it is and mirrored: how the mesh moves beyond the scanned
fields of a grin; how the colour of the skin changes beyond the orientation of its surface (an
expression ratio image: Liu, Shan, Zhang 2001); how light falls inside the open mouth, relative to
the simulator's. For skin and mouth the simulator repeats each captured smile, so that both images
show the same shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from palsynth.appearance.curves import smooth_curve
from palsynth.appearance.fit import canonical, skin_mask, warp_to_texture
from palsynth.appearance.mesh import EXTENT
from palsynth.appearance.model import UNIT, canonical_mesh, texture_shape, to_texture
from palsynth.capture.capture import capture
from palsynth.capture.coefficients import ExpressionCoefficients, mirrored_residual
from palsynth.capture.neutral import STABLE
from palsynth.capture.retarget import FULL_SMILE, drive_of, spread
from palsynth.clinical import Movement, Palsy, Side
from palsynth.face import topology
from palsynth.face.face import Face, similarity
from palsynth.simulator.compose import compose
from palsynth.simulator.drive import drive
from palsynth.simulator.photo import at_rest
from palsynth.simulator.rest import Moved
from palsynth.simulator.smile import MOUTH, no_smile
from palsynth.simulator.surface import field_displacement

OPEN = 0.05
"""Gap of the lips, in outer-eye distances, from which a smile shows teeth."""

MAX_LOG_LIGHT = 0.5
"""Largest log change of light inside the mouth: larger differences are not due to light."""

MIN_SEEN = 5.0
"""Number of people, weighted by how much they smile, in whom a point of the skin must be visible
for its change to be fitted."""

_LIPS = (
    *topology.OUTER_UPPER_LIP,
    *topology.OUTER_LOWER_LIP,
    *topology.INNER_UPPER_LIP,
    *topology.INNER_LOWER_LIP,
)


@dataclass(frozen=True)
class SmilingPair:
    """One person at rest and smiling."""

    rest: Face
    """The person at rest."""

    smiling: Face
    """The same person smiling."""

    coefficients: ExpressionCoefficients
    """The captured smile."""

    moved: Moved
    """The simulator's rendering of that smile on the face at rest, without learnt light."""

    @property
    def opening(self) -> float:
        """Widest gap of the lips, in outer-eye distances."""
        upper, lower = (
            self.smiling.landmarks[list(lip), :2]
            for lip in (topology.INNER_UPPER_LIP, topology.INNER_LOWER_LIP)
        )
        return float(np.linalg.norm(upper - lower, axis=1).max()) / self.smiling.outer_eyes


def smiling_pair(rest: Face, smiling: Face) -> SmilingPair:
    """Captures a smile and renders it on the face at rest without learnt light.

    Args:
        rest: the person at rest.
        smiling: the same person smiling.

    Returns:
        The pair.

    Raises:
        InputError: an eye lies outside the photo.
    """
    coefficients = capture(smiling, rest)
    activation = drive_of(coefficients)
    for side in Side:
        activation.of(side).folds = {}
    return SmilingPair(rest, smiling, coefficients, compose(at_rest(rest), activation, no_smile()))


def fit_smile(pairs: Sequence[SmilingPair]) -> dict[str, np.ndarray]:
    """Fits the smile model.

    Args:
        pairs: photographed people, some of them with visible teeth.

    Returns:
        The arrays of the file that :func:`palsynth.simulator.smile.smile_model` reads, and
        ``effort``, the mean effort of the photographed smiles that show teeth, relative to a grin.
    """
    wide = [pair for pair in pairs if pair.opening >= OPEN]
    way, effort = _way(wide)
    light = _light(pairs)
    step = max(float(np.abs(light).max()), 1e-6) / 127
    mouth, openings = _mouth(wide)
    return {
        "way": way.astype(np.float16),
        "light": np.round(light / step).astype(np.int8),
        "light_step": np.array(step, np.float32),
        "mouth": mouth.astype(np.float16),
        "openings": np.array(openings, np.float32),
        "effort": np.array(effort, np.float32),
    }


def _way(pairs: Sequence[SmilingPair]) -> tuple[np.ndarray, float]:
    """Displacement (V, 3) beyond the fields of a full grin, and the effort of the mean smile."""
    mean = np.zeros((topology.SKIN_POINTS, 3))
    for pair in pairs:
        moved = _moved(pair)
        mean += (moved + mirrored_residual(moved)) / 2 / len(pairs)
    grin = drive(Movement.GRIN, Palsy.none())
    for side in Side:
        grin.of(side).fields["smile"] = 0.0
    scanned = field_displacement(grin)[: topology.SKIN_POINTS].astype(np.float64)
    a, b = scanned[list(_LIPS), :2].ravel(), mean[list(_LIPS), :2].ravel()
    effort = float(a @ b / (a @ a))
    beyond = mean / effort - scanned
    beyond[:, 2] = 0.0  # landmarks carry no reliable depth
    return spread(beyond), effort


def _moved(pair: SmilingPair) -> np.ndarray:
    """Displacement (468, 3) of the landmarks in a smile, canonical units, after the photographs are
    aligned by the landmarks that no expression moves. Capture is not used, because its fields
    already include the smile that ships."""
    rest = canonical(pair.rest.landmarks)[: topology.SKIN_POINTS, :2].astype(np.float64)
    smiling = canonical(pair.smiling.landmarks)[: topology.SKIN_POINTS, :2].astype(np.float64)
    still = list(STABLE)
    turn, shift = similarity(smiling[still], rest[still])
    return np.hstack([smiling @ turn.T + shift - rest, np.zeros((len(rest), 1))])


def _light(pairs: Sequence[SmilingPair]) -> np.ndarray:
    """Log change of the skin's colour (H, W, 3) for a full grin: the slope, over people, of the log
    ratio of the photograph and the simulator's image by how much each side smiles."""
    mesh = canonical_mesh()
    height, width = texture_shape()
    x = EXTENT[0] + (np.arange(width) + 0.5) / UNIT
    gate = np.interp(x, [-0.16, 0.16], [0.0, 1.0])[None, :, None]
    total = np.zeros((height, width, 3))
    weight = np.zeros((height, width, 1))
    for pair in pairs:
        rendered = warp_to_texture(pair.moved.image, pair.moved.points[:, :2], mesh)
        points = mesh.from_landmarks(pair.smiling.landmarks)[:, :2]
        photo = warp_to_texture(pair.smiling.image, points, mesh)
        mask = (skin_mask(rendered) & skin_mask(photo)).astype(np.float64)[..., None]
        change = np.log(_soft(photo)) - np.log(_soft(rendered))
        change -= np.median(change[_cheeks()], axis=0)  # lamps differ between two photographs
        change = np.clip(change, -0.8, 0.8)
        smiles = {s: pair.coefficients.of(s).fields["mouthSmile"] / FULL_SMILE for s in Side}
        left, right = smiles[Side.LEFT], smiles[Side.RIGHT]
        for c, visible, on_left, on_right in (
            (change, mask, left, right),
            (change[:, ::-1], mask[:, ::-1], right, left),
        ):
            strength = on_right + (on_left - on_right) * gate
            total += strength * visible * c
            weight += np.square(strength) * visible
    out = np.where(weight > MIN_SEEN, total / np.maximum(weight, 1e-6), 0.0)
    return _within_face(out.astype(np.float32))


def _soft(texture: np.ndarray) -> np.ndarray:
    """A texture without fine detail and without zeros, for ratios."""
    return np.asarray(cv2.GaussianBlur(texture, (0, 0), 1.0) + 6.0)


def _grid() -> tuple[np.ndarray, np.ndarray]:
    """Canonical x and y (H, W) of the texture's pixels."""
    height, width = texture_shape()
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return EXTENT[0] + (x + 0.5) / UNIT, EXTENT[1] + (y + 0.5) / UNIT


def _cheeks() -> np.ndarray:
    """Mask (H, W) of the nose bridge and upper cheeks, which show how a photograph is lit."""
    x, y = _grid()
    return (np.abs(x) < 0.5) & (y > -0.15) & (y < 0.35) & (np.abs(y) > 0.15)


def _within_face(change: np.ndarray) -> np.ndarray:
    """Restricts a change to the skin of the face: openings of eyes and mouth are filled from their
    rims, and the change fades out towards the outline."""
    mesh = canonical_mesh()
    holes = np.zeros(change.shape[:2], np.uint8)
    rings = [topology.eye_polygon("left"), topology.eye_polygon("right"), topology.mouth_polygon()]
    for ring in rings:
        corners = np.round(to_texture(mesh.vertices[list(ring), :2])).astype(np.int32)
        cv2.fillPoly(holes, [corners], 1)
    holes = cv2.dilate(holes, np.ones((7, 7), np.uint8))
    skin = 1 - holes[..., None].astype(np.float32)
    filled = cv2.GaussianBlur(change * skin, (0, 0), 4)
    filled /= np.maximum(cv2.GaussianBlur(skin, (0, 0), 4), 1e-3)[..., None]
    out = change * skin + filled * (1 - skin)
    oval = np.zeros(change.shape[:2], np.uint8)
    outline = to_texture(mesh.vertices[list(topology.FACE_OVAL), :2])
    cv2.fillPoly(oval, [np.round(outline).astype(np.int32)], 1)
    inside = np.clip(cv2.distanceTransform(oval, cv2.DIST_L2, 5) / (0.16 * UNIT), 0, 1)
    forehead = np.clip((_grid()[1] + 0.45) / 0.2, 0, 1)
    return np.asarray(out * (inside * forehead)[..., None], np.float32)


def _mouth(pairs: Sequence[SmilingPair]) -> tuple[np.ndarray, tuple[float, float]]:
    """Log light (2, h, w, 3) inside the mouth, its mean and its slope over the standardised
    opening, and the mean and standard deviation of the openings."""
    openings = np.array([pair.opening for pair in pairs])
    mean, deviation = float(openings.mean()), float(openings.std())
    standardised = np.clip((openings - mean) / max(deviation, 1e-6), -1.5, 1.5)
    changes = []
    for pair in pairs:
        rendered = _within_lips(pair.moved.image, pair.moved.points)
        photo = _within_lips(pair.smiling.image, pair.smiling.landmarks)
        change = np.log(photo) - np.log(rendered)
        changes.append((change + change[:, ::-1]) / 2)
    system = np.stack([np.ones_like(standardised), standardised], 1)
    solution, *_ = np.linalg.lstsq(system, np.stack(changes).reshape(len(pairs), -1), rcond=None)
    light = np.clip(solution.reshape(2 * MOUTH[0], MOUTH[1], 3), -MAX_LOG_LIGHT, MAX_LOG_LIGHT)
    return light.reshape(2, *MOUTH, 3), (mean, deviation)


def _within_lips(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Colours (h, w, 3) of an open mouth from lip to lip and corner to corner, smooth."""
    upper = smooth_curve(points[list(topology.INNER_UPPER_LIP), :2])
    lower = smooth_curve(points[list(topology.INNER_LOWER_LIP), :2])
    rows, columns = MOUTH
    x = np.linspace(upper[0, 0], upper[-1, 0], 8 * columns + 1)[4::8]
    top, bottom = np.interp(x, upper[:, 0], upper[:, 1]), np.interp(x, lower[:, 0], lower[:, 1])
    share = np.linspace(0.0, 1.0, rows)[:, None]
    y = top + share * (bottom - top)
    # blur away the edges of teeth: about a tooth wide across, less from lip to lip
    width = float(np.ptp(upper[:, 0]))
    soft = cv2.GaussianBlur(
        image.astype(np.float32), (0, 0), sigmaX=0.035 * width, sigmaY=0.012 * width
    )
    x = np.broadcast_to(x, y.shape).astype(np.float32)
    return np.asarray(cv2.remap(soft, x, y.astype(np.float32), cv2.INTER_LINEAR) + 6.0)
