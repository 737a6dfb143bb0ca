"""Judges: networks and detectors that map images to features, named by kind and weights."""

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
from palsynth.encoders.base import SIZE, Encoder, as_images
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
    return _on_crops(f"dlib-{version('dlib-bin')}", DlibRecogniser())


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
    judge = _on_crops(f"identity-{name}-{weights}", identity_encoder(path))
    return replace(judge, by_cosine=True)


def quality() -> Judge:
    """SER-FIQ (N, 1) by our recogniser, which was trained with dropout before its last layer."""
    network: Any = identity_encoder()

    @torch.no_grad()
    def embedding_variability(images: torch.Tensor) -> np.ndarray:
        scores = []
        dropout = next(m for m in network.head if isinstance(m, torch.nn.Dropout))
        # the layers before the dropout are deterministic and run once
        for narrowed in network.narrowing(network(images).map):
            torch.manual_seed(0)
            dropout.train()
            passes = network.head(narrowed.expand(SER_FIQ_PASSES, -1, -1, -1))
            dropout.eval()
            scores.append([ser_fiq(passes.numpy())])
        return np.array(scores, np.float32)

    return _on_crops(
        f"ser-fiq-palsynth-{_short_sha256(ASSETS / 'identity')}", network, embedding_variability
    )


def reading() -> Judge:
    """Readings (N, M + 17) of our expression judge.

    In order: logits of the M movements that it knows, 3 logits of the side, 12 of the state (the
    function of each branch and the tone of both sides), weakness of both sides (``READ_SIDES``).
    """
    network: Any = judge()

    @torch.no_grad()
    def read(images: torch.Tensor) -> np.ndarray:
        parts = network(images)
        return torch.cat([part.flatten(1) for part in parts], 1).numpy()

    return _on_crops(f"judge-palsynth-{_short_sha256(ASSETS / 'judge')}", network, read)


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

    @torch.no_grad()
    def distance(a: np.ndarray, b: np.ndarray) -> float:
        return float(network(*(as_images(torch.from_numpy(x[None])) for x in (a, b)))[0])

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

        @torch.no_grad()
        def inception(images: torch.Tensor) -> np.ndarray:
            return network(images).numpy()

        return Judge(f"fid-inception-{backend.weights}", _by_size(inception)), backend
    weights = f"{_short_sha256(ASSETS / 'identity')}+{_short_sha256(ASSETS / 'judge')}"
    backend = Backend("palsynth", "antialiased 112", weights)
    return Judge(f"fid-palsynth-{weights}", _by_size(_own_features())), backend


def _by_size(
    extract: Callable[[torch.Tensor], np.ndarray],
) -> Callable[[Sequence[Path]], np.ndarray]:
    """Turns a function of a batch into one of paths, batching images of the same size."""

    def extract_paths(paths: Sequence[Path]) -> np.ndarray:
        images = [read_image(path) for path in paths]
        features: dict[int, np.ndarray] = {}
        for shape in {image.shape for image in images}:
            rows = [k for k, image in enumerate(images) if image.shape == shape]
            found = extract(as_images(torch.from_numpy(np.stack([images[k] for k in rows]))))
            features.update(zip(rows, found, strict=True))
        return np.stack([features[k] for k in range(len(images))])

    return extract_paths


def _own_features() -> Callable[[torch.Tensor], np.ndarray]:
    """Pooled feature maps of recogniser and judge: texture, identity and expression."""
    networks: list[Any] = [identity_encoder(), judge()]

    @torch.no_grad()
    def extract(images: torch.Tensor) -> np.ndarray:
        maps = [networks[0](images).map, networks[1].trunk(images).map]
        return torch.cat([m.mean((2, 3)) for m in maps], 1).numpy()

    return extract


def _on_crops(
    name: str,
    encoder: Encoder | Any,
    run: Callable[[torch.Tensor], np.ndarray] | None = None,
) -> Judge:
    """A judge of faces cropped by its encoder; ``run`` replaces the encoder's vector."""
    size = getattr(encoder, "size", SIZE)

    @torch.no_grad()
    def vectors(images: torch.Tensor) -> np.ndarray:
        return encoder(images).vector.numpy()

    def extract(paths: Sequence[Path]) -> np.ndarray:
        faces = [_face(path) for path in paths]
        crops = {k: encoder.crop(f).image for k, f in enumerate(faces) if f is not None}
        # one black image where no face is found, to learn the number of features
        batch = list(crops.values()) or [np.zeros((size, size, 3), np.uint8)]
        found = (run or vectors)(as_images(torch.from_numpy(np.stack(batch))))
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
        path = next(iter(sorted(path.glob("*.safetensors"))), path / "config.json")
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]
