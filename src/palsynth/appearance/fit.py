"""Fits the appearance model to photographs of consenting people.

Cootes' active appearance model (Cootes, Edwards, Taylor 2001): principal components of
landmarks, and of the pixels of the faces warped to the mean shape. Eyes and teeth are
holes of the mesh and never enter the model.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from palsynth.appearance.mesh import EXTENT, CanonicalMesh, build_mesh
from palsynth.appearance.model import (
    ETHNICITIES,
    UNIT,
    attribute_row,
    texture_shape,
    to_texture,
)
from palsynth.appearance.photographs import Photograph
from palsynth.appearance.raster import rasterise
from palsynth.appearance.smoothstep import smoothstep
from palsynth.face import topology

MAX_COMPONENTS = 40
SHAPE_COMPONENTS = 24


def canonical(landmarks: np.ndarray) -> np.ndarray:
    """Converts landmarks to canonical coordinates: outer-eye distance 1, eyes level.

    Args:
        landmarks: landmarks (478, 3) in pixels.

    Returns:
        Landmarks (478, 3), canonical units, with the origin midway between the outer eye corners.
    """
    a = landmarks[topology.OUTER_CANTHUS["right"], :2]
    b = landmarks[topology.OUTER_CANTHUS["left"], :2]
    scale = float(np.linalg.norm(b - a))
    c, s = (b - a) / scale
    out = landmarks.copy()
    out[:, :2] = (landmarks[:, :2] - (a + b) / 2) @ np.array([[c, -s], [s, c]]) / scale
    out[:, 2] = landmarks[:, 2] / scale
    return out


def mean_shape(shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Computes the symmetric mean shape and pairs the landmarks of both sides.

    Args:
        shapes: canonical shapes (N, 478, 3).

    Returns:
        The mean (478, 3) float32 and the index (478,) int32 of each landmark's mirror image.
    """
    mean = shapes.mean(0)
    _, mirror = linear_sum_assignment(cdist(mean[:, :2] * [-1, 1], mean[:, :2]))
    mean = (mean + mean[mirror] * [-1, 1, 1]) / 2
    return mean.astype(np.float32), mirror.astype(np.int32)


def warp_to_texture(image: np.ndarray, points: np.ndarray, mesh: CanonicalMesh) -> np.ndarray:
    """Warps a face to the mean shape.

    Args:
        image: image (H', W', 3) uint8 RGB.
        points: vertices (V, 2) of the face in the image, pixels.
        mesh: the canonical mesh.

    Returns:
        Texture (H, W, 3) float32, RGB 0 … 255; holes are inpainted from their rims.
    """
    target = to_texture(mesh.vertices[:, :2])
    maps, cover = rasterise(target, mesh.vertices[:, 2], points, mesh.triangles, texture_shape())
    out = cv2.remap(
        image,
        maps[..., 0].copy(),
        maps[..., 1].copy(),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if not cover.all():
        out = cv2.inpaint(out, (~cover).astype(np.uint8), 3, cv2.INPAINT_TELEA)
    return np.asarray(out, np.float32)


def fit(photographs: list[Photograph], components: int = MAX_COMPONENTS) -> dict[str, np.ndarray]:
    """Fits mesh, shape, texture and their regression on the attributes.

    Args:
        photographs: neutral photographs of the training set.
        components: number of texture components.

    Returns:
        The arrays of the model's file, for :func:`palsynth.appearance.model.save_model`.
    """
    shapes = np.stack([canonical(p.landmarks) for p in photographs])
    mean, mirror = mean_shape(shapes)
    mesh = build_mesh(mean, mirror)
    mirrored = shapes[:, mirror] * np.array([-1, 1, 1])
    both = np.concatenate([shapes, mirrored]).reshape(2 * len(shapes), -1)
    shape_basis, shape_codes = _principal(both - mean.ravel(), SHAPE_COMPONENTS)

    textures, skin = [], []
    for photo in photographs:
        texture = warp_to_texture(photo.image, mesh.from_landmarks(photo.landmarks)[:, :2], mesh)
        textures.append(texture)
        skin.append(skin_mask(texture))
    height, width = texture_shape()
    pixels = _fill_hidden(np.stack(textures), np.stack(skin))
    inside = texture_region(mesh)
    flat = np.concatenate([pixels, pixels[:, :, ::-1]])[:, inside]
    average = flat.mean(0)
    centred = (flat - average).reshape(len(flat), -1)
    basis, codes = _principal(centred, components)
    residual = centred - codes @ basis
    grain = np.zeros((height, width), np.float32)
    grain[inside] = np.sqrt(np.square(residual.reshape(len(flat), -1, 3).mean(-1)).mean(0))
    grain = cv2.GaussianBlur(grain, (0, 0), 6)

    attributes = np.stack([_attribute_row(p) for p in photographs])
    joint = np.hstack([shape_codes, codes])
    regression, residual_factor = _regress(np.vstack([attributes, attributes]), joint)
    scale = np.abs(basis).max(1, keepdims=True) / 127
    return {
        "vertices": mesh.vertices,
        "triangles": mesh.triangles,
        "mirror": mesh.mirror,
        "landmark_mirror": mirror,
        "shape_mean": mean,
        "shape_basis": shape_basis.astype(np.float16),
        "inside": np.packbits(inside),
        "texture_mean": average.astype(np.float16),
        "texture_basis": np.round(basis / scale).astype(np.int8),
        "texture_scale": scale.astype(np.float32)[:, 0],
        "grain": grain.astype(np.float16),
        "regression": regression.astype(np.float32),
        "spread": residual_factor.astype(np.float32),
    }


def skin_mask(texture: np.ndarray) -> np.ndarray:
    """Segments the face from the hair and background that cover it.

    Args:
        texture: texture (H, W, 3) float32, RGB 0 … 255.

    Returns:
        Mask (H, W) bool, true on the face.
    """
    height, width = texture.shape[:2]
    y, x = np.mgrid[:height, :width] / UNIT + np.array(EXTENT[1::-1])[:, None, None]
    cheeks = (np.abs(np.abs(x) - 0.36) < 0.12) & (np.abs(y - 0.32) < 0.12)
    typical = np.median(texture[cheeks], axis=0)
    smooth = cv2.GaussianBlur(texture, (0, 0), 2)
    light = smooth.sum(-1) / typical.sum()
    chroma = smooth / smooth.sum(-1, keepdims=True).clip(1)
    tint = np.linalg.norm(chroma - typical / typical.sum(), axis=-1)
    face = (light > 0.62) & (light < 1.75) & (tint < 0.075)
    # brows, eyes, nose, mouth and beard are dark or red but belong to the face
    brows = (np.abs(x) < 0.60) & (y > -0.30) & (y <= -0.12)
    features = (np.abs(x) < 0.62) & (y > -0.12) & (y < 0.20)
    features |= (y >= 0.20) & (np.square(x / 0.66) + np.square((y - 0.20) / 1.03) < 1)
    for half in (x < 0, x >= 0):  # a fringe that covers the forehead covers the brow too
        above = half & (np.abs(x) < 0.5) & (y > -0.42) & (y <= -0.30)
        beside = half & (np.abs(x) > 0.60) & (np.abs(x) < 0.70) & (y > -0.30) & (y < -0.16)
        if face[above].mean() > 0.6 and face[beside].mean() > 0.3:
            features |= brows & half
    hidden = ~(face | features)
    hidden = cv2.morphologyEx(hidden.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3)))
    return cv2.dilate(hidden, np.ones((9, 9), np.uint8)) == 0


def texture_region(mesh: CanonicalMesh) -> np.ndarray:
    """Selects the texture pixels that are skin in every photograph.

    Args:
        mesh: the canonical mesh.

    Returns:
        Mask (H, W) bool: the face slightly inside its outline, and the forehead up to the
        edge of a cap.
    """
    oval = to_texture(mesh.vertices[list(topology.FACE_OVAL), :2])
    region = np.zeros(texture_shape(), np.uint8)
    cv2.fillPoly(region, [np.round(oval).astype(np.int32)], 1)
    region = cv2.erode(region, np.ones((9, 9), np.uint8))
    forehead = to_texture(np.array([[-0.66, -0.80], [0.66, 0.0]], np.float32)).astype(int)
    region[forehead[0, 1] : forehead[1, 1], forehead[0, 0] : forehead[1, 0]] = 1
    return region.astype(bool)


def _fill_hidden(
    textures: np.ndarray, masks: np.ndarray, rank: int = 20, rounds: int = 6
) -> np.ndarray:
    """Imputes the pixels that hair hides from the other faces (EM for PCA)."""
    weight = masks[..., None].astype(np.float32)
    total = np.maximum(weight.sum(0), 1e-3)
    mean = (textures * weight).sum(0) / total
    sparse = total[..., 0] < 4  # visible in too few faces: inpaint from the surroundings
    mean = cv2.inpaint(
        mean.clip(0, 255).astype(np.uint8), sparse.astype(np.uint8), 5, cv2.INPAINT_TELEA
    )
    mean = (
        cv2.GaussianBlur(mean.astype(np.float32), (0, 0), 1) * sparse[..., None]
        + mean * ~sparse[..., None]
    )
    soft = np.stack([_inner_ramp(mask) for mask in masks])[..., None]
    filled = textures.copy()
    core = np.zeros(masks.shape[1:], bool)
    core[90:280, 50:206] = True
    for i, (texture, mask) in enumerate(zip(textures, masks, strict=True)):
        both = mask & core
        gain = np.median(texture[both], axis=0) / np.maximum(np.median(mean[both], axis=0), 1)
        filled[i] = mean * gain + (texture - mean * gain) * soft[i]
    for _ in range(rounds):
        flat = filled.reshape(len(filled), -1)
        centre = flat.mean(0)
        basis, codes = _principal(flat - centre, rank)
        reconstruction = (codes @ basis + centre).reshape(filled.shape)
        filled = reconstruction + (textures - reconstruction) * soft
    return np.asarray(filled.clip(0, 255), np.float32)


def _inner_ramp(mask: np.ndarray, reach: float = 14.0) -> np.ndarray:
    """0 outside the mask, rising to 1 over ``reach`` pixels inside it."""
    distance = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(smoothstep(distance / reach), np.float32)


def _principal(centred: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Leading principal components (count, D) of unit length and codes (N, count)."""
    gram = centred @ centred.T
    values, vectors = np.linalg.eigh(gram.astype(np.float64))
    order = np.argsort(values)[::-1][:count]
    basis = (vectors[:, order].T @ centred) / np.sqrt(np.maximum(values[order], 1e-9))[:, None]
    return basis, centred @ basis.T


def _attribute_row(photo: Photograph) -> np.ndarray:
    """A person's regressors; unknown age counts as 28 (the mean), unlisted ethnicity as white."""
    known = photo.ethnicity if photo.ethnicity in ETHNICITIES else "white"
    return attribute_row(28.0 if photo.age is None else photo.age, photo.gender == "female", known)


def _regress(attributes: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ridge regression codes ~ attributes (A, K), and the Cholesky factor (K, K) of the residual
    covariance, shrunk towards its diagonal (there are fewer people than coefficients)."""
    ridge = np.diag([1e-6, 2.0, 1.0, 1.0, 1.0, 1.0])
    weights = np.linalg.solve(attributes.T @ attributes + ridge, attributes.T @ codes)
    residual: np.ndarray = codes - attributes @ weights
    covariance = residual.T @ residual / len(residual)
    shrunk = 0.5 * covariance + 0.5 * np.diag(np.diag(covariance))
    return weights, np.linalg.cholesky(shrunk + 1e-9 * np.eye(codes.shape[1]))
