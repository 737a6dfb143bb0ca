"""How faces lie in training examples of photographs, compared with the crops of inference.

    python benchmarks/alignment.py LONDON [--people 12]

Photographs of the London Set become a clinic's folder in a temporary place: each padded, turned,
in 2:3, and as a phone stores it (12 megapixels on its side, with an EXIF rotation). It is imported
with ``folder``; then the outer eye corners are detected in every example of every source, and
compared with those in the crop that the method makes of the same picture. "before" is the source
of version 0.2, which resized the whole picture to a square.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image

from palsynth.data.folder_pairs import FolderPairs
from palsynth.data.folder_source import FolderSource
from palsynth.data.importers import import_dataset
from palsynth.data.manifest import Row
from palsynth.face import topology
from palsynth.face.detect import detect_faces, read_face
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.face.images import read_image
from palsynth.methods.cfcpalsy.pipeline import CFCPalsyPipeline
from palsynth.methods.controlnet.data.patients import PatientsSource

SPLITS = ("train", "validation", "test")
PHONE = (4032, 3024)


def padded(image: np.ndarray, rng: np.random.Generator) -> Image.Image:
    top, bottom, left, right = (int(s * image.shape[0]) for s in rng.uniform(0.1, 0.8, 4))
    return Image.fromarray(
        cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_REPLICATE)
    )


def turned(image: np.ndarray, rng: np.random.Generator) -> Image.Image:
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-25, 25), 0.8)
    size = (width, height)
    return Image.fromarray(cv2.warpAffine(image, turn, size, borderMode=cv2.BORDER_REPLICATE))


def two_to_three(image: np.ndarray, rng: np.random.Generator) -> Image.Image:
    height, width = image.shape[:2]
    more = width * 3 // 2 - height
    top = int(rng.uniform(0, 1) * more)
    tall = cv2.copyMakeBorder(image, top, more - top, 0, 0, cv2.BORDER_REPLICATE)
    return Image.fromarray(cv2.resize(tall, (600, 900), interpolation=cv2.INTER_AREA))


def phone(image: np.ndarray, rng: np.random.Generator) -> Image.Image:
    side = int(rng.uniform(900, 2600))
    face = cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC)
    more = (PHONE[0] - side, PHONE[1] - side)
    top, left = (int(rng.uniform(0.2, 0.8) * m) for m in more)
    border = (top, more[0] - top, left, more[1] - left)
    upright = cv2.copyMakeBorder(face, *border, cv2.BORDER_REPLICATE)
    return Image.fromarray(np.ascontiguousarray(np.rot90(upright)))


LAYOUTS: dict[str, Callable[[np.ndarray, np.random.Generator], Image.Image]] = {
    "padded": padded,
    "turned": turned,
    "two-to-three": two_to_three,
    "phone": phone,
}


def make_clinic(photographs: Path, people: int, folder: Path) -> None:
    rng = np.random.default_rng(61)
    for neutral in sorted((photographs / "neutral").glob("*.jpg"))[:people]:
        for kind, movement in (("neutral", "rest"), ("smiling", "grin")):
            image = read_image(photographs / kind / neutral.name)
            for layout, make in LAYOUTS.items():
                path = folder / neutral.stem / f"{movement}-{layout}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                exif = Image.Exif()
                if layout == "phone":
                    exif[ExifTags.Base.Orientation] = 6  # to be turned clockwise
                make(image, rng).save(path, quality=92, exif=exif)


def eyes(image: np.ndarray) -> tuple[float, float]:
    """Distance of the outer eye corners in pixels, and their tilt in degrees; NaN without."""
    faces = detect_faces(image)
    if not faces:
        return float("nan"), float("nan")
    right, left = (faces[0].landmarks[n, :2] for n in topology.OUTER_CANTHUS.values())
    across = left - right
    return float(np.hypot(*across)), float(np.degrees(np.arctan2(across[1], across[0])))


def report(name: str, examples: list[np.ndarray], crops: list[np.ndarray]) -> None:
    found, expected = (np.array([eyes(image) for image in images]) for images in (examples, crops))
    off = np.abs(found - expected)
    lost = int(np.isnan(off).any(1).sum())
    identical = sum(map(np.array_equal, examples, crops))
    print(
        f"| {name} | {len(examples)} | {np.nanmin(found[:, 0]):.1f} … {np.nanmax(found[:, 0]):.1f} "
        f"| {np.nanmax(off[:, 0]):.2f} | {np.nanmax(off[:, 1]):.2f} | {lost} | {identical} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--people", type=int, default=12)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        clinic, dataset = Path(temporary) / "clinic", Path(temporary) / "set"
        make_clinic(options.photographs, options.people, clinic)
        import_dataset("folder", clinic, dataset)
        crop = CFCPalsyPipeline.from_pretrained().model.conditioner.crop
        source = FolderSource(dataset, SPLITS)
        faces: dict[str, Face] = {
            row.file_name: read_face(dataset / row.file_name) for row in source.rows
        }

        def crops(rows: list[Row]) -> list[np.ndarray]:
            return [crop(faces[row.file_name], 112).image for row in rows]

        print("| source | examples | eyes apart, px | worst, px | worst, ° | no face | identical |")
        print("|---|---|---|---|---|---|---|")
        for layout in LAYOUTS:
            rows = [row for row in source.rows if layout in row.file_name]
            squashed = [
                cv2.resize(faces[row.file_name].image, (112, 112), interpolation=cv2.INTER_AREA)
                for row in rows
            ]
            report(f"before, {layout}", squashed, crops(rows))
            examples = [source.example(source.rows.index(row)).image for row in rows]
            report(f"now, {layout}", examples, crops(rows))
        pairs = FolderPairs(dataset, SPLITS)
        of_bytes = {crop(face, 112).image.tobytes(): name for name, face in faces.items()}
        shown = [image for n in range(len(faces)) for image in (pairs[n].identity, pairs[n].target)]
        known = [of_bytes.get(image.tobytes()) for image in shown]
        print("\nbyte for byte the crops of inference:")
        print(f"pairs of CFCPalsy: {len(known) - known.count(None)} of {len(known)}")
        patients = PatientsSource(dataset, size=128, patients=3)
        portraits = {faces[r.file_name].aligned(PORTRAIT, 128).image.tobytes() for r in source.rows}
        shown = [patients[n].image for n in range(len(patients.rows))]
        same = sum(image.tobytes() in portraits for image in shown)
        print(f"portraits of a ControlNet: {same} of {len(shown)}")


if __name__ == "__main__":
    main()
