"""The judges: each looks at pictures and says numbers. Named by what and whose weights they are."""

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
from palsynth.encoders.reading import class_numbers
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
"""Stochastic embeddings of an image (Terhörst et al. 2020)."""


@dataclass(frozen=True)
class Judge:
    """``name`` says the weights too, so that another's figures are not taken from a cache;
    ``extract`` paths to (N, …) float32, NaN where no single face is found."""

    name: str
    extract: Callable[[Sequence[Path]], np.ndarray]
    by_cosine: bool = False
    """Whether the lengths of its vectors mean nothing of who it is."""


def landmarks() -> Judge:
    """The 478 landmarks in pixels, (N, 478, 3)."""

    def extract(paths: Sequence[Path]) -> np.ndarray:
        found = [_points(path, path.stat().st_mtime_ns) for path in paths]
        empty = np.full((topology.POINTS, 3), np.nan, np.float32)
        return np.stack([empty if points is None else points for points in found])

    return Judge("landmarks-face-landmarker-2023", extract)


def dlib() -> Judge:
    """dlib's vectors (N, 128), compared by distance: no model here was trained on it."""
    return _on_crops(f"dlib-{version('dlib-bin')}", DlibRecogniser())


def recogniser(path: Path | None) -> Judge:
    """Vectors (N, 512) of our recogniser, or of a published one by path; compared by cosine."""
    name = "palsynth" if path is None else path.name
    weights = _short(path or ASSETS / "identity")
    judge = _on_crops(f"identity-{name}-{weights}", identity_encoder(path))
    return replace(judge, by_cosine=True)


def quality() -> Judge:
    """SER-FIQ (N, 1) by our recogniser, which was trained with dropout before its last layer."""
    network: Any = identity_encoder()

    @torch.no_grad()
    def embedding_variability(images: torch.Tensor) -> np.ndarray:
        out = []
        dropout = next(m for m in network.head if isinstance(m, torch.nn.Dropout))
        for narrowed in network.narrowing(network(images).map):  # all before the dropout is sure
            torch.manual_seed(0)
            dropout.train()
            passes = network.head(narrowed.expand(SER_FIQ_PASSES, -1, -1, -1))
            dropout.eval()
            out.append([ser_fiq(passes.numpy())])
        return np.array(out, np.float32)

    return _on_crops(
        f"ser-fiq-palsynth-{_short(ASSETS / 'identity')}", network, embedding_variability
    )


def reading() -> Judge:
    """What the judge of expressions reads, (N, M + 17): logits of the movements that it knows and
    of the side, state, weakness."""
    network: Any = judge()

    @torch.no_grad()
    def read(images: torch.Tensor) -> np.ndarray:
        parts = network(images)
        return torch.cat([part.flatten(1) for part in parts], 1).numpy()

    return _on_crops(f"judge-palsynth-{_short(ASSETS / 'judge')}", network, read)


def read_right(
    requested: list[tuple[Movement, Palsy]], reading: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of a :func:`reading`: whether the asked movement was read, (N,) bool, and the mean error of
    the weakness of the two sides, (N,), NaN without a face. Raises InputError for a movement that
    the judge does not know."""
    known = judge().head.movements
    movements = np.array(class_numbers(known, [m for m, _ in requested]))
    named = reading[:, : len(known)]
    right = np.where(np.isnan(named[:, 0]), False, named.argmax(1) == movements)
    weakness = np.array([[1 - p.movement_function(m, s) for s in READ_SIDES] for m, p in requested])
    return right, np.abs(reading[:, -2:] - weakness).mean(1)


def perceptual(trunk: Path) -> Callable[[np.ndarray, np.ndarray], float]:
    """LPIPS of two pictures (H, W, 3) uint8, with AlexNet's trunk from a local file."""
    from palsynth.encoders.published.lpips import Lpips

    network = Lpips(trunk)

    @torch.no_grad()
    def apart(a: np.ndarray, b: np.ndarray) -> float:
        return float(network(*(as_images(torch.from_numpy(x[None])) for x in (a, b)))[0])

    return apart


def portrait(path: Path) -> np.ndarray | None:
    """The face of a picture as all portraits lie, (S, S, 3) uint8; None without a single face."""
    face = _face(path)
    return None if face is None else _Portraits().crop(face).image


def portraits() -> Judge:
    """Our own features of faces that all lie alike, compared by cosine: what stands in for LPIPS
    of pictures whose faces lie elsewhere."""
    weights = f"{_short(ASSETS / 'identity')}+{_short(ASSETS / 'judge')}"
    return _on_crops(f"portraits-palsynth-{weights}", _Portraits(), _own_features())


class _Portraits:
    """Cuts faces out as portraits."""

    size = 224

    def crop(self, face: Face) -> Face:
        return face.aligned(PORTRAIT, self.size)


def distribution(path: Path | None) -> tuple[Judge, Backend]:
    """Features for FID and KID, of the whole picture: Inception's from a local file, or those of
    recogniser and judge together, which stand in for it offline and say so."""
    if path is not None:
        network = fid_inception(path)
        backend = Backend("inception", "bilinear 299", _short(path))

        @torch.no_grad()
        def inception(images: torch.Tensor) -> np.ndarray:
            return network(images).numpy()

        return Judge(f"fid-inception-{backend.weights}", _by_size(inception)), backend
    weights = f"{_short(ASSETS / 'identity')}+{_short(ASSETS / 'judge')}"
    backend = Backend("palsynth", "antialiased 112", weights)
    return Judge(f"fid-palsynth-{weights}", _by_size(_own_features())), backend


def _by_size(
    extract: Callable[[torch.Tensor], np.ndarray],
) -> Callable[[Sequence[Path]], np.ndarray]:
    """The same over paths, whose pictures need not be of one size."""

    def extract_paths(paths: Sequence[Path]) -> np.ndarray:
        images = [read_image(path) for path in paths]
        out: dict[int, np.ndarray] = {}
        for shape in {image.shape for image in images}:
            rows = [k for k, image in enumerate(images) if image.shape == shape]
            found = extract(as_images(torch.from_numpy(np.stack([images[k] for k in rows]))))
            out.update(zip(rows, found, strict=True))
        return np.stack([out[k] for k in range(len(images))])

    return extract_paths


def _own_features() -> Callable[[torch.Tensor], np.ndarray]:
    """Means of the maps of recogniser and judge: texture, identity and expression."""
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
    """A judge that sees faces cut out as its network wants them."""
    size = getattr(encoder, "size", SIZE)

    @torch.no_grad()
    def vectors(images: torch.Tensor) -> np.ndarray:
        return encoder(images).vector.numpy()

    def extract(paths: Sequence[Path]) -> np.ndarray:
        faces = [_face(path) for path in paths]
        crops = {k: encoder.crop(f).image for k, f in enumerate(faces) if f is not None}
        shown = list(crops.values()) or [np.zeros((size, size, 3), np.uint8)]
        found = (run or vectors)(as_images(torch.from_numpy(np.stack(shown))))
        out = np.full((len(paths), found.shape[1]), np.nan, np.float32)
        out[list(crops)] = found[: len(crops)]
        return out

    return Judge(name, extract)


def _face(path: Path) -> Face | None:
    """The one face of a picture, or None."""
    image = read_image(path)
    points = _points(path, path.stat().st_mtime_ns)
    return None if points is None else Face(image, points)


@lru_cache(maxsize=65_536)  # 6 kB each: pictures themselves would fill the memory
def _points(path: Path, changed: int) -> np.ndarray | None:
    """Landmarks of the one face of a picture, or None. Remembered for the other judges as long
    as the file was not ``changed`` (modification time)."""
    found = detect_faces(read_image(path))
    return found[0].landmarks if len(found) == 1 else None


def _short(path: Path) -> str:
    """Eight digits of a file's SHA-256, or of a folder's weights."""
    if path.is_dir():
        path = next(iter(sorted(path.glob("*.safetensors"))), path / "config.json")
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]
