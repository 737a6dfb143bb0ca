"""Judges: networks and detectors that map images to features, named by kind and weights.

Torch networks compute on a GPU where there is one (:mod:`palsynth.encoders.device`); the detector
of landmarks, dlib and recognisers in ONNX files compute on the CPU.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from palsynth.clinical import Movement, Palsy, Side
from palsynth.encoders.base import SIZE, Encoder
from palsynth.encoders.device import Extractor
from palsynth.encoders.load import identity_encoder, judge
from palsynth.encoders.published.dlib import DlibRecogniser
from palsynth.encoders.published.inception import fid_inception
from palsynth.encoders.published.lpips import Lpips
from palsynth.encoders.reading import class_indices
from palsynth.encoders.shipped import ASSETS
from palsynth.evaluation.distribution import Backend
from palsynth.evaluation.quality import ser_fiq
from palsynth.face import topology
from palsynth.face.detect import detect_faces
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.face.images import read_image
from palsynth.folders import walk

READ_SIDES = (Side.LEFT, Side.RIGHT)
"""Order of the last two numbers of a reading."""

SER_FIQ_PASSES = 100
"""Stochastic embeddings per image (Terhörst et al. 2020)."""


@dataclass(frozen=True)
class Judge:
    """A named function from image files to features."""

    name: str
    """Identifies the weights too, so that features of other weights are never read from a cache."""
    extract: Callable[[Sequence[Path]], np.ndarray]
    """Maps N paths to (N, …) float32; NaN for images without exactly one face."""
    by_cosine: bool = False
    """Whether only the direction of a feature vector, not its length, identifies a person."""


def landmarks() -> Judge:
    """The 478 landmarks in pixels, (N, 478, 3)."""

    def extract(paths: Sequence[Path]) -> np.ndarray:
        found = [_landmarks_of(path, path.stat().st_mtime_ns) for path in paths]
        missing = np.full((topology.POINTS, 3), np.nan, np.float32)
        return np.stack([missing if points is None else points for points in found])

    return Judge("landmarks-face-landmarker-2023", extract)


def dlib() -> Judge:
    """dlib's embeddings (N, 128), compared by distance; no model here was trained on dlib."""
    network = DlibRecogniser()
    return _on_crops(f"dlib-{version('dlib-bin')}", network, Extractor(network))


def recogniser(path: Path | None) -> Judge:
    """Embeddings (N, 512) of a face recogniser, compared by cosine.

    Args:
        path: published weights (ArcFace, AdaFace); our own recogniser if None.

    Returns:
        The judge.

    Raises:
        InputError: the weights cannot be read or do not fit.
    """
    name = "palsynth" if path is None else path.name
    weights = _short_sha256(path or ASSETS / "identity")
    network = identity_encoder(path)
    judge = _on_crops(f"identity-{name}-{weights}", network, Extractor(network))
    return replace(judge, by_cosine=True)


def quality() -> Judge:
    """SER-FIQ (N, 1) by our recogniser, which was trained with dropout before its last layer."""
    network: Any = identity_encoder()
    at = next(k for k, m in enumerate(network.head) if isinstance(m, torch.nn.Dropout))
    before, after = network.head[:at], network.head[at + 1 :]

    def embedding_variability(images: torch.Tensor) -> torch.Tensor:
        scores = []
        # the layers before the dropout are deterministic and run once
        for narrowed in network.narrowing(network(images).map):
            vectors = before(narrowed.expand(SER_FIQ_PASSES, -1, -1, -1))
            masks = _dropout_masks(vectors.shape[1], network.head[at].p).to(vectors.device)
            scores.append([ser_fiq(after(vectors * masks).cpu().numpy())])
        return torch.tensor(scores)

    name = f"ser-fiq-palsynth-{_short_sha256(ASSETS / 'identity')}"
    return _on_crops(name, network, Extractor(network, embedding_variability))


def _dropout_masks(width: int, p: float) -> torch.Tensor:
    """Factors (SER_FIQ_PASSES, width) of a dropout, drawn on the CPU: the same on every device."""
    drawn = torch.empty(SER_FIQ_PASSES, width)
    return drawn.bernoulli_(1 - p, generator=torch.Generator().manual_seed(0)).div_(1 - p)


def reading() -> Judge:
    """Readings (N, M + 17) of our expression judge.

    In order: logits of the M movements that it knows, 3 logits of the side, 12 of the state (the
    function of each branch and the tone of both sides), weakness of both sides (``READ_SIDES``).
    """
    network: Any = judge()

    def read(images: torch.Tensor) -> torch.Tensor:
        return torch.cat([part.flatten(1) for part in network(images)], 1)

    name = f"judge-palsynth-{_short_sha256(ASSETS / 'judge')}"
    return _on_crops(name, network, Extractor(network, read))


def reading_errors(
    requested: list[tuple[Movement, Palsy]], reading: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Compares readings with the requested movements and palsies.

    Args:
        requested: movement and palsy of each of N images.
        reading: (N, M + 17), features of :func:`reading`; NaN without a face.

    Returns:
        Whether the requested movement was read, (N,) bool, False without a face; and the mean
        absolute error of the weakness of the two sides, (N,), NaN without a face.

    Raises:
        InputError: the judge does not know a movement.
    """
    known = judge().head.movements
    movements = np.array(class_indices(known, [m for m, _ in requested]))
    logits = reading[:, : len(known)]
    right = np.where(np.isnan(logits[:, 0]), False, logits.argmax(1) == movements)
    weakness = np.array([[1 - p.movement_function(m, s) for s in READ_SIDES] for m, p in requested])
    return right, np.abs(reading[:, -2:] - weakness).mean(1)


def perceptual(trunk: Path) -> Callable[[np.ndarray, np.ndarray], float]:
    """LPIPS with an AlexNet trunk.

    Args:
        trunk: torchvision's AlexNet weights, a local file.

    Returns:
        A function of two images (H, W, 3) uint8 that gives their distance.

    Raises:
        InputError: the weights cannot be read or do not fit.
    """
    network = Lpips(trunk)
    distances = Extractor(network, network)

    def distance(a: np.ndarray, b: np.ndarray) -> float:
        return float(distances(a[None], b[None])[0])

    return distance


def portrait(path: Path) -> np.ndarray | None:
    """Crops the face of an image to the portrait framing.

    Args:
        path: the image file.

    Returns:
        (S, S, 3) uint8, or None unless exactly one face is found.
    """
    face = _face(path)
    return None if face is None else _Portraits().crop(face).image


def portraits() -> Judge:
    """Our own features of aligned portraits, compared by cosine.

    They stand in for LPIPS where the position of the face differs between images.
    """
    weights = f"{_short_sha256(ASSETS / 'identity')}+{_short_sha256(ASSETS / 'judge')}"
    return _on_crops(f"portraits-palsynth-{weights}", _Portraits(), _own_features())


class _Portraits:
    """Crops faces to the portrait framing, in place of an encoder."""

    size = 224

    def crop(self, face: Face) -> Face:
        return face.aligned(PORTRAIT, self.size)


def distribution(path: Path | None) -> tuple[Judge, Backend]:
    """Features of whole images for FID and KID.

    Args:
        path: weights of Inception, a local file. If None, features of our recogniser and our
            expression judge together stand in, and the backend's name says so.

    Returns:
        The judge, and the backend that names the variant of the figures.

    Raises:
        InputError: the weights cannot be read or do not fit.
    """
    if path is not None:
        network = fid_inception(path)
        backend = Backend("inception", "bilinear 299", _short_sha256(path))
        extract = _by_size(Extractor(network, network))
        return Judge(f"fid-inception-{backend.weights}", extract), backend
    weights = f"{_short_sha256(ASSETS / 'identity')}+{_short_sha256(ASSETS / 'judge')}"
    backend = Backend("palsynth", "antialiased 112", weights)
    return Judge(f"fid-palsynth-{weights}", _by_size(_own_features())), backend


def _by_size(
    extract: Callable[[np.ndarray], np.ndarray],
) -> Callable[[Sequence[Path]], np.ndarray]:
    """Turns a function of a batch into one of paths, batching images of the same size."""

    def extract_paths(paths: Sequence[Path]) -> np.ndarray:
        images = [read_image(path) for path in paths]
        features: dict[int, np.ndarray] = {}
        for shape in {image.shape for image in images}:
            rows = [k for k, image in enumerate(images) if image.shape == shape]
            found = extract(np.stack([images[k] for k in rows]))
            features.update(zip(rows, found, strict=True))
        return np.stack([features[k] for k in range(len(images))])

    return extract_paths


def _own_features() -> Extractor:
    """Pooled feature maps of recogniser and judge: texture, identity and expression."""
    identity: Any = identity_encoder()
    expression: Any = judge()

    def pooled(images: torch.Tensor) -> torch.Tensor:
        maps = (identity(images).map, expression.trunk(images).map)
        return torch.cat([m.mean((2, 3)) for m in maps], 1)

    return Extractor(torch.nn.ModuleList([identity, expression]), pooled)


def _on_crops(name: str, crops_by: Encoder | _Portraits, extract_crops: Extractor) -> Judge:
    """A judge of faces, each cropped as its encoder expects."""
    size = getattr(crops_by, "size", SIZE)

    def extract(paths: Sequence[Path]) -> np.ndarray:
        faces = [_face(path) for path in paths]
        crops = {k: crops_by.crop(f).image for k, f in enumerate(faces) if f is not None}
        # one black image where no face is found, to learn the number of features
        batch = list(crops.values()) or [np.zeros((size, size, 3), np.uint8)]
        found = extract_crops(np.stack(batch))
        features = np.full((len(paths), found.shape[1]), np.nan, np.float32)
        features[list(crops)] = found[: len(crops)]
        return features

    return Judge(name, extract)


def _face(path: Path) -> Face | None:
    """The only face of an image, or None."""
    image = read_image(path)
    points = _landmarks_of(path, path.stat().st_mtime_ns)
    return None if points is None else Face(image, points)


@lru_cache(maxsize=65_536)  # landmarks, 6 kB each; images would fill the memory
def _landmarks_of(path: Path, mtime: int) -> np.ndarray | None:
    """Landmarks of the only face of an image, or None.

    Shared by the judges; the modification time ``mtime`` (ns) is part of the cache key.
    """
    found = detect_faces(read_image(path))
    return found[0].landmarks if len(found) == 1 else None


def _short_sha256(path: Path) -> str:
    """First eight digits of the SHA-256 of a file, or of the weights in a folder."""
    if path.is_dir():
        weights = (p for p in walk(path, recursive=False).files if p.suffix == ".safetensors")
        path = next(weights, path / "config.json")
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]
