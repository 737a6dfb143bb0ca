"""Learns what smiling does to a face from people photographed neutral and smiling.

Three means over people, each seen as it is and mirrored: how the mesh moves beyond what the
grin's muscles make of the scanned fields; how the colour of the skin changes beyond the turn of its
surface (an expression ratio image: Liu, Shan, Zhang 2001); how light falls within the open mouth
on what the simulator draws there. Skin and mouth are learnt by letting the simulator repeat each
captured smile, so that both pictures show the same shape.
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
from palsynth.simulator.smile import MOUTH, unlearnt
from palsynth.simulator.surface import field_displacement

OPEN = 0.05
"""Gap of the lips, outer-eye distances, from which a smile shows teeth."""

MOST = 0.5
"""Largest log of light within the mouth: what would need more is not light."""

LEAST_SEEN = 5.0
"""People (weighted by how much they smile) who must show a place of the skin to be learnt from."""

_LIPS = (
    *topology.OUTER_UPPER_LIP, *topology.OUTER_LOWER_LIP,
    *topology.INNER_UPPER_LIP, *topology.INNER_LOWER_LIP,
)  # fmt: skip


@dataclass(frozen=True)
class SmilingPair:
    """One person at rest and smiling, and the simulator's picture of the rest with that smile, but
    for the light that is to be learnt."""

    rest: Face
    smiling: Face
    coefficients: ExpressionCoefficients
    moved: Moved

    @property
    def opening(self) -> float:
        """Widest gap of the lips, outer-eye distances."""
        upper, lower = (
            self.smiling.landmarks[list(lip), :2]
            for lip in (topology.INNER_UPPER_LIP, topology.INNER_LOWER_LIP)
        )
        return float(np.linalg.norm(upper - lower, axis=1).max()) / self.smiling.outer_eyes


def smiling_pair(rest: Face, smiling: Face) -> SmilingPair:
    """Captures a smile and lets the simulator repeat it without learnt light."""
    coefficients = capture(smiling, rest)
    what = drive_of(coefficients)
    for side in Side:
        what.of(side).folds = {}
    return SmilingPair(rest, smiling, coefficients, compose(at_rest(rest), what, unlearnt()))


def fit_smile(pairs: Sequence[SmilingPair]) -> dict[str, np.ndarray]:
    """Learns from people's pairs; returns the arrays of the file that
    :func:`palsynth.simulator.smile.learnt_smile` reads, and ``effort``, that of a photographed
    smile which shows teeth, a grin's being 1."""
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
    beyond[:, 2] = 0.0  # landmarks tell no depth
    return spread(beyond), effort


def _moved(pair: SmilingPair) -> np.ndarray:
    """How a smile moves landmarks (468, 3), canonical units, once the two photographs lie over one
    another by what no expression moves. Not by capture, which knows the smile that ships."""
    rest = canonical(pair.rest.landmarks)[: topology.SKIN_POINTS, :2].astype(np.float64)
    smiling = canonical(pair.smiling.landmarks)[: topology.SKIN_POINTS, :2].astype(np.float64)
    still = list(STABLE)
    turn, shift = similarity(smiling[still], rest[still])
    return np.hstack([smiling @ turn.T + shift - rest, np.zeros((len(rest), 1))])


def _light(pairs: Sequence[SmilingPair]) -> np.ndarray:
    """Log change of the skin's colour (H, W, 3) for a full grin: the slope over people of what the
    photograph has beyond the simulator's picture, by how much each side smiles."""
    mesh = canonical_mesh()
    height, width = texture_shape()
    x = EXTENT[0] + (np.arange(width) + 0.5) / UNIT
    gate = np.interp(x, [-0.16, 0.16], [0.0, 1.0])[None, :, None]
    total = np.zeros((height, width, 3))
    weight = np.zeros((height, width, 1))
    for pair in pairs:
        drawn = warp_to_texture(pair.moved.image, pair.moved.points[:, :2], mesh)
        points = mesh.from_landmarks(pair.smiling.landmarks)[:, :2]
        photo = warp_to_texture(pair.smiling.image, points, mesh)
        seen = (skin_mask(drawn) & skin_mask(photo)).astype(np.float64)[..., None]
        change = np.log(_soft(photo)) - np.log(_soft(drawn))
        change -= np.median(change[_cheeks()], axis=0)  # lamps differ between two photographs
        change = np.clip(change, -0.8, 0.8)
        smiles = {s: pair.coefficients.of(s).fields["mouthSmile"] / FULL_SMILE for s in Side}
        left, right = smiles[Side.LEFT], smiles[Side.RIGHT]
        for c, k, here, there in (
            (change, seen, left, right), (change[:, ::-1], seen[:, ::-1], right, left),
        ):  # fmt: skip
            strength = there + (here - there) * gate
            total += strength * k * c
            weight += np.square(strength) * k
    out = np.where(weight > LEAST_SEEN, total / np.maximum(weight, 1e-6), 0.0)
    return _within_face(out.astype(np.float32))


def _soft(texture: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.GaussianBlur(texture, (0, 0), 1.0) + 6.0)


def _grid() -> tuple[np.ndarray, np.ndarray]:
    height, width = texture_shape()
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return EXTENT[0] + (x + 0.5) / UNIT, EXTENT[1] + (y + 0.5) / UNIT


def _cheeks() -> np.ndarray:
    """(H, W) bool: nose bridge and upper cheeks, which tell how a photograph is lit."""
    x, y = _grid()
    return (np.abs(x) < 0.5) & (y > -0.15) & (y < 0.35) & (np.abs(y) > 0.15)


def _within_face(change: np.ndarray) -> np.ndarray:
    """The change without what eyes, teeth and surroundings have to do with it: openings take their
    rim's, and towards the outline it ends."""
    mesh = canonical_mesh()
    holes = np.zeros(change.shape[:2], np.uint8)
    rings = [topology.eye_polygon("left"), topology.eye_polygon("right"), topology.mouth_polygon()]
    for ring in rings:
        corners = np.round(to_texture(mesh.vertices[list(ring), :2])).astype(np.int32)
        cv2.fillPoly(holes, [corners], 1)
    holes = cv2.dilate(holes, np.ones((7, 7), np.uint8))
    keep = 1 - holes[..., None].astype(np.float32)
    filled = cv2.GaussianBlur(change * keep, (0, 0), 4)
    filled /= np.maximum(cv2.GaussianBlur(keep, (0, 0), 4), 1e-3)[..., None]
    out = change * keep + filled * (1 - keep)
    oval = np.zeros(change.shape[:2], np.uint8)
    outline = to_texture(mesh.vertices[list(topology.FACE_OVAL), :2])
    cv2.fillPoly(oval, [np.round(outline).astype(np.int32)], 1)
    inside = np.clip(cv2.distanceTransform(oval, cv2.DIST_L2, 5) / (0.16 * UNIT), 0, 1)
    forehead = np.clip((_grid()[1] + 0.45) / 0.2, 0, 1)
    return np.asarray(out * (inside * forehead)[..., None], np.float32)


def _mouth(pairs: Sequence[SmilingPair]) -> tuple[np.ndarray, tuple[float, float]]:
    """Log of the light within the mouth (2, h, w, 3), its mean and its slope over openings, which
    are standardised by the mean and spread that come with it."""
    openings = np.array([pair.opening for pair in pairs])
    mean, spread_of = float(openings.mean()), float(openings.std())
    wide = np.clip((openings - mean) / max(spread_of, 1e-6), -1.5, 1.5)
    light = []
    for pair in pairs:
        drawn = _within_lips(pair.moved.image, pair.moved.points)
        photo = _within_lips(pair.smiling.image, pair.smiling.landmarks)
        change = np.log(photo) - np.log(drawn)
        light.append((change + change[:, ::-1]) / 2)
    system = np.stack([np.ones_like(wide), wide], 1)
    found, *_ = np.linalg.lstsq(system, np.stack(light).reshape(len(pairs), -1), rcond=None)
    light_of = np.clip(found.reshape(2 * MOUTH[0], MOUTH[1], 3), -MOST, MOST)
    return light_of.reshape(2, *MOUTH, 3), (mean, spread_of)


def _within_lips(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Colours (h, w, 3) of an open mouth from lip to lip and corner to corner, smooth."""
    upper = smooth_curve(points[list(topology.INNER_UPPER_LIP), :2])
    lower = smooth_curve(points[list(topology.INNER_LOWER_LIP), :2])
    rows, columns = MOUTH
    x = np.linspace(upper[0, 0], upper[-1, 0], 8 * columns + 1)[4::8]
    top, bottom = np.interp(x, upper[:, 0], upper[:, 1]), np.interp(x, lower[:, 0], lower[:, 1])
    share = np.linspace(0.0, 1.0, rows)[:, None]
    y = top + share * (bottom - top)
    # a tooth's edges are not what is learnt: as wide as a tooth, but for the way to the lips
    width = float(np.ptp(upper[:, 0]))
    soft = cv2.GaussianBlur(
        image.astype(np.float32), (0, 0), sigmaX=0.035 * width, sigmaY=0.012 * width
    )
    x = np.broadcast_to(x, y.shape).astype(np.float32)
    return np.asarray(cv2.remap(soft, x, y.astype(np.float32), cv2.INTER_LINEAR) + 6.0)
