"""The landmark detector: error, agreement with the previous one, small faces, time by stage.

    python benchmarks/landmarks.py [--photographs LONDON] [--half-smiles HALF_SMILES]

Compared with MediaPipe 0.10.21, whose results are in ``reference/``:

- 60 subjects with evaluation seeds x six head poses, against the renderer's true landmarks;
- the photographs of LONDON, by ethnicity and gender: the difference between the two detectors;
- photographed one-sided smiles: rank correlation of detected and known left-right difference;
- 200 of the photographed faces, 60 to 600 px, pasted into pictures of 1 to 50 megapixels.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
from scipy.stats import spearmanr

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.errors import InputError
from palsynth.face import topology
from palsynth.face.detect import detect_face, detect_faces
from palsynth.face.framing import RECOGNISER
from palsynth.face.images import read_image
from palsynth.face.landmarker.blendshapes import blendshapes
from palsynth.face.landmarker.detector import detect
from palsynth.face.landmarker.landmarks import look, read_face
from palsynth.face.landmarker.region import CropRegion
from palsynth.face.measures import measure
from palsynth.subjects import Scene, View, render, sample
from palsynth.subjects.render import Portrait
from palsynth.subjects.scene import HeadPose

REFERENCE = Path(__file__).parent / "reference" / "mediapipe-0.10.21.npz"

POSES = {
    "frontal": HeadPose(),
    "yaw 20°": HeadPose(yaw=20),
    "yaw -20°": HeadPose(yaw=-20),
    "pitch 15°": HeadPose(pitch=15),
    "roll 15°": HeadPose(roll=15),
    "yaw 10°, pitch 5°, roll -8°": HeadPose(10, 5, -8),
}

SIZES = ((60, 100), (100, 200), (200, 400), (400, 600))
"""Heights of the pasted faces, forehead to chin, pixels."""

MEGAPIXELS = (1, 4, 12, 24, 50)


def subjects() -> Iterable[tuple[str, Portrait]]:
    """The 360 pictures: poses, with movements, sides and grades that vary between subjects."""
    movements, grades = list(Movement), [g for g in Grade if g is not Grade.I]
    for i in range(60):
        for k, (name, pose) in enumerate(POSES.items()):
            side = Side.LEFT if (i + k) % 2 else Side.RIGHT
            palsy = Palsy.peripheral(side, grades[(i + 2 * k) % 5])
            movement = movements[(i + k) % len(movements)]
            yield (
                name,
                render(
                    sample(1_000_000 + i), movement, palsy, view=View(256, scene=Scene(pose=pose))
                ),
            )


def error(portrait: Portrait, landmarks: np.ndarray) -> float:
    """Mean distance to the truth, per cent of the outer-eye distance."""
    corners = portrait.landmarks[list(topology.OUTER_CANTHUS.values())]
    gap = np.linalg.norm(landmarks[:, :2] - portrait.landmarks, axis=1).mean()
    return 100 * float(gap / np.linalg.norm(corners[1] - corners[0]))


def print_subjects(previous: dict[str, np.ndarray]) -> None:
    found = [(name, error(p, detect_face(p.image).landmarks)) for name, p in subjects()]
    errors = np.array([e for _, e in found])
    print("| head pose | MediaPipe 0.10.21 | current |\n|---|---|---|")
    for name in ("all", *POSES):
        some = np.array([name in ("all", pose) for pose, _ in found])
        print(
            f"| {name} | {previous['subjects'][some].mean():.2f} % | {errors[some].mean():.2f} % |"
        )


def groups(folder: Path, names: Iterable[str]) -> dict[str, set[str]]:
    """All, and every self-reported gender and ethnicity of at least five people."""
    with (folder / "info.csv").open() as file:
        info = {row["face_id"]: row for row in csv.DictReader(file)}
    names = set(names)
    found = {"all": names}
    for column in ("gender", "ethnicity"):
        for value in sorted({info[n][column] for n in names}):
            some = {n for n in names if info[n][column] == value}
            if len(some) >= 5 and value:
                found[value] = some
    return found


def print_london(folder: Path, previous: dict[str, np.ndarray]) -> None:
    differences: dict[str, list[float]] = {}
    for path, old in zip(_london(folder), previous["london"], strict=True):
        face = detect_face(read_image(path), str(path))
        gap = np.linalg.norm(face.landmarks[:, :2] - old / 64, axis=1).mean()
        differences.setdefault(path.stem, []).append(100 * float(gap / face.outer_eyes))
    print("\n| photographs | mean difference | 95th percentile |\n|---|---|---|")
    for name, people in groups(folder, differences).items():
        values = np.concatenate([differences[n] for n in people])
        high = np.percentile(values, 95)
        print(f"| {name} ({len(people)}) | {values.mean():.2f} % | {high:.2f} % |")


def _london(folder: Path) -> list[Path]:
    return [p for kind in ("neutral", "smiling") for p in sorted((folder / kind).glob("*.jpg"))]


def corner_asymmetry(landmarks: np.ndarray) -> float:
    """Left minus right height of the mouth's corners, in outer-eye distances."""
    return measure(landmarks).fractions().sided["commissure height"].asymmetry


def print_half_smiles(folder: Path, london: Path, previous: dict[str, np.ndarray]) -> None:
    with (folder / "smiles.csv").open() as file:
        judged = {r["person"] for r in csv.DictReader(file) if r["judged"] == "yes"}
    paths = sorted(folder.glob("*.jpg"))
    old = dict(zip([p.stem for p in paths], previous["half_smiles"], strict=True))
    new = {
        p.stem: corner_asymmetry(detect_face(read_image(p)).landmarks)
        for p in paths
        if p.stem[:3] in judged
    }
    print("\n| people | MediaPipe 0.10.21: rank, side | current: rank, side |\n|---|---|---|")
    for name, people in groups(london, judged).items():
        cells = []
        for found in (old, new):
            truth, measured = [], []
            for subject in sorted(people):
                for side, sign in (("left", 1), ("right", -1)):
                    for share in (25, 50, 75, 100):
                        truth.append(sign * share)
                        picture = found[f"{subject}_{side}_{share:03}"]
                        measured.append(picture - found[f"{subject}_rest"])
            clear = np.abs(truth) >= 50
            right = np.mean(np.sign(truth)[clear] == np.sign(measured)[clear])
            cells.append(f"{spearmanr(truth, measured)[0]:.3f}, {right:.1%}")
        print(f"| {name} ({len(people)}) | {cells[0]} | {cells[1]} |")


def pasted(folder: Path) -> Iterable[tuple[np.ndarray, float, int, np.ndarray]]:
    """200 pictures with one face each: pixels, the face's height, megapixels, the face's centre."""
    rng = np.random.default_rng(0)
    paths = _london(folder)
    for k in range(200):
        low, high = SIZES[k % len(SIZES)]
        height = float(rng.uniform(low, high))
        megapixels = MEGAPIXELS[(k // len(SIZES)) % len(MEGAPIXELS)]
        face = detect_face(read_image(paths[int(rng.integers(len(paths)))]))
        low_corner, high_corner = face.landmarks[:, :2].min(0), face.landmarks[:, :2].max(0)
        scale = height / (high_corner - low_corner)[1]
        room = 0.2 * (high_corner - low_corner)[1]  # hair, ears and background
        x0, y0 = np.maximum(low_corner - room, 0).astype(int)
        x1, y1 = (high_corner + room).astype(int)
        small = cv2.resize(
            face.image[y0:y1, x0:x1], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
        )
        middle = ((low_corner + high_corner) / 2 - [x0, y0]) * scale
        width = int((megapixels * 1e6 * 4 / 3) ** 0.5)
        # Shapes of all sizes and colours, like a room or a street.
        photo = np.zeros((width * 3 // 4, width, 3), np.float32)
        for cells in (4, 16, 64, 256):
            noise = rng.uniform(0, 1, (cells * 3 // 4, cells, 3)).astype(np.float32)
            photo += cv2.resize(noise, photo.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        picture = (photo * 50 + 20).astype(np.uint8)
        x, y = (rng.integers(np.array(picture.shape[:2]) - small.shape[:2] + 1)[::-1]).tolist()
        picture[y : y + small.shape[0], x : x + small.shape[1]] = small
        yield picture, height, megapixels, middle + np.array([x, y])


def print_small_faces(folder: Path) -> None:
    hits: dict[tuple[str, object], list[bool]] = {}
    false_positives, seconds = 0, []
    for picture, height, megapixels, middle in pasted(folder):
        start = time.perf_counter()
        faces = detect_faces(picture)
        seconds.append(time.perf_counter() - start)
        centres = [(f.landmarks[:, :2].min(0) + f.landmarks[:, :2].max(0)) / 2 for f in faces]
        hit = any(np.linalg.norm(c - middle) < 0.2 * height for c in centres)
        false_positives += len(faces) - hit
        size = next(s for s in SIZES if s[0] <= height <= s[1])
        for key in (("all", ""), ("px", size), ("megapixels", megapixels)):
            hits.setdefault(key, []).append(hit)
    print("\n| pasted faces | detected |\n|---|---|")
    for (unit, value), found in sorted(hits.items(), key=str):
        text = f"{value[0]} to {value[1]} px" if isinstance(value, tuple) else f"{value} {unit}"
        print(f"| {text.strip()} ({len(found)}) | {np.mean(found):.1%} |")
    print(f"\nfalse positives: {false_positives}")
    print(f"seconds per picture: {np.median(seconds):.3f} (median), {max(seconds):.2f} (maximum)")


def print_turned(folder: Path) -> None:
    """Rotated photos, and upright ones in poor light: accepted, or rejected with which advice."""
    messages: dict[str, list[str]] = {}
    for path in _london(folder):
        image = read_image(path)
        for turns, name in enumerate(("upright", "90°", "upside down", "-90°")):
            messages.setdefault(name, []).append(
                _message(np.ascontiguousarray(np.rot90(image, turns)))
            )
        close = detect_face(image).aligned(RECOGNISER, 224).image
        across = np.linspace(0.25, 1.3, 224)[None, :, None]
        for name, poor in (
            ("upright, dark", close * 0.3),
            ("upright, lit from the side", close * across),
        ):
            messages.setdefault(name, []).append(_message(poor.clip(0, 255).astype(np.uint8)))
    advice = {"90°": "90° clockwise", "upside down": "180°", "-90°": "90° counterclockwise"}
    print("\n| photos | accepted | correct advice | other |\n|---|---|---|---|")
    for name, lines in messages.items():
        accepted = lines.count("")
        right = sum(name in advice and line.endswith(f"by {advice[name]}") for line in lines)
        print(f"| {name} ({len(lines)}) | {accepted} | {right} | {len(lines) - accepted - right} |")


def _message(image: np.ndarray) -> str:
    try:
        detect_face(image)
    except InputError as error:
        return str(error)
    return ""


def print_stages() -> None:
    image = render(sample(1_000_000), view=View(512)).image
    whole = CropRegion.whole(image)
    region = detect(image, whole)[0].region()
    reading = read_face(image, region)
    crop = region.cut(image, 256)
    print("\n| stage | milliseconds, one core |\n|---|---|")
    for name, stage in {
        "detection, one pass": lambda: detect(image, whole),
        "landmarks, one pass": lambda: look(crop),
        "blendshapes": lambda: blendshapes(reading.landmarks),
        "landmarks and blendshapes of a face (two crops, three passes)": lambda: read_face(
            image, region
        ),
        "all, 512 px": lambda: detect_faces(image),
    }.items():
        print(f"| {name} | {_milliseconds(stage):.1f} |")


def _milliseconds(stage: Callable[[], object], times: int = 60) -> float:
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        stage()
        seconds.append(time.perf_counter() - start)
    return 1000 * float(np.median(seconds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", type=Path)
    parser.add_argument("--half-smiles", type=Path)
    options = parser.parse_args()
    with np.load(REFERENCE) as reference:
        previous = dict(reference)
    print_subjects(previous)
    if options.photographs is not None:
        print_london(options.photographs, previous)
        if options.half_smiles is not None:
            print_half_smiles(options.half_smiles, options.photographs, previous)
        print_small_faces(options.photographs)
        print_turned(options.photographs)
    print_stages()


if __name__ == "__main__":
    cv2.setNumThreads(1)
    main()
