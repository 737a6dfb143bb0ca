"""Capture over time: smiles and blinks of photographed people, turning heads, milliseconds.

    python benchmarks/over_time.py PHOTOGRAPHS [--people 60] [--photographs-only]

PHOTOGRAPHS holds neutral/ and smiling/ of the same people (a London-set folder). Clips of 25 frames
a second at 384 px before a shaking, noisy camera, in JPEGs of quality 75: either side smiles and
stops within 3 s, one a second after the other, composed from the person's two photographs; then the
lids, moved by the simulator, blink in 0.15 s, on the weak side not fully. Rendered subjects turn
their heads.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from palsynth.capture import capture, drive_of
from palsynth.capture.capture import know_rest
from palsynth.capture.evidence import regions, ways
from palsynth.capture.over_time import CapturedClip, LiveCapture, capture_over_time
from palsynth.capture.reading import mouth_difference, strengths
from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.comparison.half_smiles import MIN_SMILE
from palsynth.data.half_smiles import Smiler, half_smile, read_smilers
from palsynth.face.detect import detect_faces
from palsynth.face.face import Face
from palsynth.face.landmarker.detector import detect
from palsynth.face.landmarker.region import CropRegion
from palsynth.face.tracking import FaceTracker
from palsynth.simulator.compose import compose
from palsynth.simulator.drive import drive
from palsynth.simulator.photo import at_rest
from palsynth.subjects import HeadPose, Scene, View, render_drive, sample

SIZE, FPS = 384, 25
FRAME = 1 / FPS
BLINK = 0.15
CALM = 0.7
"""Seconds of rest at the start of every clip."""

Closures = dict[Side, float]


@dataclass
class Read:
    """What one person's two clips give, by side in the order left, right."""

    person: Smiler
    correlation: dict[str, list[float]]
    noise: dict[str, float]
    crosstalk: float
    rest_error: float
    rest_fault: str
    moving_fault: str
    depth: dict[str, list[float]]
    tracking: float


def camera(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A frame of a hand-held camera: shifted, turned, noisy and compressed."""
    angle, scale = np.radians(rng.normal(0, 0.4)), 1 + rng.normal(0, 0.003)
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    turn, middle = np.array([[c, -s], [s, c]]), np.full(2, (SIZE - 1) / 2)
    shift = middle - turn @ middle + rng.normal(0, 1.0, 2)
    moved = cv2.warpAffine(
        image,
        np.column_stack([turn, shift]),
        (SIZE, SIZE),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    noisy = (moved + rng.normal(0, 2.0, moved.shape)).clip(0, 255).astype(np.uint8)
    encoded = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 75])[1]
    return cv2.imdecode(encoded, cv2.IMREAD_COLOR)


def smiling(person: Smiler, left: float, right: float) -> np.ndarray:
    """The person smiling with either side by a share of the photographed smile."""
    first = half_smile(person, Side.LEFT, 1 - left)
    found = detect_faces(first)[0]
    return half_smile(replace(person, smile=found), Side.RIGHT, 1 - right)


def smile_clip(person: Smiler, first: Side) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Times, true shares (T, 2) of left and right, and frames."""
    times = np.arange(0, 6, FRAME)
    shares = {
        side: np.interp(times, np.array([0.75, 2.25, 3.75]) + late, [0, 1, 0])
        for side, late in ((first, 0.0), (first.other, 1.0))
    }
    truth = np.stack([shares[Side.LEFT], shares[Side.RIGHT]], 1).round(1)
    made = {tuple(row): np.empty(0) for row in truth.tolist()}
    for row in made:
        made[row] = smiling(person, *row)
    return times, truth, [made[tuple(row)] for row in truth.tolist()]


def blink_clip(person: Smiler, weak: Side) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Times, true closures (T, 2) and frames; the second pair of blinks is incomplete on the weak
    side."""
    times = np.arange(0, 4, FRAME)
    peaks, depth = (1.0, 1.7, 2.4, 3.1), (1.0, 1.0, 0.6, 0.6)
    pulse = np.stack(
        [np.clip(1.25 - abs(times - p) / (BLINK / 2), 0, 1) for p in peaks]
    )  # a fifth of the blink shut
    truth = np.stack(
        [
            sum(p * (d if side is weak else 1.0) for p, d in zip(pulse, depth, strict=True))
            for side in (Side.LEFT, Side.RIGHT)
        ],
        1,
    ).round(2)
    prepared, driven = at_rest(person.rest), drive(Movement.REST, Palsy.none())
    made = {}
    for left, right in {tuple(row) for row in truth.tolist()}:
        moved = replace(
            driven,
            left=replace(driven.left, closure=left),
            right=replace(driven.right, closure=right),
        )
        made[left, right] = (
            person.rest.image if left == right == 0 else compose(prepared, moved).image
        )
    return times, truth, [made[tuple(row)] for row in truth.tolist()]


def follow(
    frames: list[np.ndarray], rng: np.random.Generator
) -> tuple[list[Face | None], list[np.ndarray]]:
    shaken = [camera(frame, rng) for frame in frames]
    tracker = FaceTracker()
    return [tracker.update(frame) for frame in shaken], shaken


def mouth(clip: CapturedClip, which: str) -> np.ndarray:
    """Displacements (T, 2) of the left and right corner of the mouth, outer-eye distances."""
    rows = []
    for frame in clip.frames:
        moved = ways(strengths(getattr(frame, which)), regions()["mouth"])
        rows.append([np.hypot(*moved[s][:2].mean(0)) for s in (Side.LEFT, Side.RIGHT)])
    return np.array(rows)


def lids(clip: CapturedClip, which: str) -> np.ndarray:
    return np.array(
        [[getattr(f, which).of(s).closure for s in (Side.LEFT, Side.RIGHT)] for f in clip.frames]
    )


def live(faces: list[Face | None], times: np.ndarray, rest: Face) -> np.ndarray:
    """Closures (T, 2) of left and right, of the live variant."""
    one = LiveCapture(rest)
    found = [one.update(face, t) for face, t in zip(faces, times.tolist(), strict=True)]
    return np.array([[d.left.closure, d.right.closure] for d in found])


def read_person(person: Smiler, number: int) -> Read:
    rng = np.random.default_rng([26, number])
    first = (Side.LEFT, Side.RIGHT)[number % 2]
    times, truth, frames = smile_clip(person, first)
    faces, shaken = follow(frames, rng)
    rest = detect_faces(person.rest.image)[0]
    clip = capture_over_time(faces, times.tolist(), rest)
    kinds = {"captured": mouth(clip, "captured"), "smoothed": mouth(clip, "smoothed")}
    found = capture_over_time(faces, times.tolist(), where=person.name)
    kinds["rest found"] = mouth(found, "smoothed")
    calm = times < CALM
    moving = slice(int(1.2 * FPS), int(3.0 * FPS))
    cut = capture_over_time(faces[moving], times[moving].tolist(), where=f"{person.name}, moving")
    whole = [detect_faces(image)[0] for image in shaken[::12]]
    gaps = [
        np.sqrt(np.square(a.landmarks - b.landmarks)[:468, :2].sum(1).mean()) / a.outer_eyes
        for a, b in zip(whole, faces[::12], strict=True)
    ]
    # how far the other half moves while only one smiles
    alone = (truth[:, 0] > 0.5) & (truth[:, 1] == 0) | (truth[:, 1] > 0.5) & (truth[:, 0] == 0)
    order = np.argsort(-truth[alone], 1)
    pair = np.take_along_axis(kinds["smoothed"][alone], order, 1)
    times_b, closed, frames_b = blink_clip(person, first)
    eyes, _ = follow(frames_b, rng)
    blinks = capture_over_time(eyes, times_b.tolist(), rest)
    depth: dict[str, list[float]] = {}
    tables = {
        "captured": lids(blinks, "captured"),
        "smoothed": lids(blinks, "smoothed"),
        "live": live(eyes, times_b, rest),
    }
    for name, table in tables.items():
        depth[name] = [
            table[abs(times_b - peak) < 0.13, side].max()
            for peak in (1.0, 1.7, 2.4, 3.1)
            for side in (0, 1)
        ]
    depth["true"] = [
        closed[abs(times_b - peak) < 0.13, side].max()
        for peak in (1.0, 1.7, 2.4, 3.1)
        for side in (0, 1)
    ]
    return Read(
        person,
        {n: [np.corrcoef(v[:, k], truth[:, k])[0, 1] for k in (0, 1)] for n, v in kinds.items()},
        {n: float(v[calm].std(0).mean()) for n, v in kinds.items()},
        float(pair[:, 1].mean() / pair[:, 0].mean()),
        float(truth[found.rest_frame].max()),
        found.rest_fault,
        cut.rest_fault,
        depth,
        float(np.mean(gaps)),
    )


def groups(found: list[Read]) -> Iterator[tuple[str, list[Read]]]:
    """All people, and every gender and ethnicity of at least three of them."""
    yield "all", found
    for column in ("gender", "ethnicity"):
        for value in sorted({getattr(r.person, column) for r in found}):
            some = [r for r in found if getattr(r.person, column) == value]
            if value and len(some) >= 3:
                yield value, some


def print_people(found: list[Read]) -> None:
    print(
        "| people | correlation left, right: captured | smoothed | rest found "
        "| jitter at rest: captured | smoothed | other half moves "
        "| blinks: captured of full | of 0.6 | kept smoothed | live |\n|---|" + "---|" * 10
    )
    for name, some in groups(found):
        cells = []
        for kind in ("captured", "smoothed", "rest found"):
            values = np.array([r.correlation[kind] for r in some])
            cells.append(
                f"{values[:, 0].mean():.3f}, {values[:, 1].mean():.3f} (least {values.min():.3f})"
            )
        noises = [100 * np.mean([r.noise[k] for r in some]) for k in ("captured", "smoothed")]
        cells += [f"{n:.3f} %" for n in noises]
        cells.append(f"{100 * np.median([r.crosstalk for r in some]):.0f} %")
        table = {k: np.array([r.depth[k] for r in some]) for k in some[0].depth}
        full = table["true"] > 0.9
        cells += [f"{table['captured'][m].mean():.2f}" for m in (full, ~full)]
        seen = table["captured"] > 0.3
        for kind in ("smoothed", "live"):
            kept = table[kind][seen] / table["captured"][seen]
            cells.append(f"{100 * kept.mean():.0f} % (least {100 * kept.min():.0f} %)")
        print(f"| {name} ({len(some)}) | {' | '.join(cells)} |")
    wrong = [r for r in found if r.rest_error > 0.1]
    print(
        f"\nrest found at a true smile above a tenth in {len(wrong)} of {len(found)}, doubted "
        f"({', '.join(sorted({r.rest_fault for r in found if r.rest_fault})) or 'no reason'}) in "
        f"{sum(bool(r.rest_fault) for r in found)}; of clips that smile all the time "
        f"{sum(bool(r.moving_fault) for r in found)} of {len(found)} are said to have none"
    )
    print(
        f"landmarks while followed and from the whole picture: "
        f"{100 * np.mean([r.tracking for r in found]):.2f} % of the outer-eye distance apart"
    )


def print_turning(people: int = 8) -> None:
    """Subjects at rest, whose heads sway: what is captured although nothing moves."""
    print(
        "\n| yaw | smile, mean of both sides | mouth, left from right | brows up | closure "
        "| certainty of the mouth |\n|---|---|---|---|---|---|"
    )
    still = drive(Movement.REST, Palsy.none())
    for yaw in (0.0, 5.0, 10.0, 15.0):
        rows = []
        for k in range(people):
            subject = sample(1_000_700 + k)
            image, _ = render_drive(subject, still, View(SIZE))
            known = know_rest(detect_faces(image)[0])
            for turn in (-yaw, yaw):
                scene = Scene(pose=HeadPose(turn))
                image, _ = render_drive(subject, still, View(SIZE, scene=scene))
                found = capture(detect_faces(image)[0], known)
                smile = [found.of(s).fields[n] for s in Side for n in ("smile", "mouthSmile")]
                brows = [found.of(s).fields["browOuterUp"] for s in Side]
                shut = [found.of(s).closure for s in Side]
                rows.append(
                    [
                        np.mean(smile),
                        100 * abs(mouth_difference(found)),
                        np.mean(np.abs(brows)),
                        np.mean(np.abs(shut)),
                        found.certainty["mouth"],
                    ]
                )
        a, b, c, d, e = np.mean(rows, 0)
        print(f"| {yaw:.0f}° | {a:.3f} | {b:.2f} % | {c:.3f} | {d:.3f} | {e:.2f} |", flush=True)


def print_known(people: int = 6) -> None:
    """Rendered grins that come and go, with known strengths, heads swaying by up to 8 degrees."""
    times = np.arange(0, 4, 2 * FRAME)
    amounts = np.interp(times, [0.7, 1.2, 2.2, 3.0], [0, 1, 1, 0]).round(2)
    rows = []
    for k in range(people):
        subject, weak = sample(1_000_720 + k), (Side.LEFT, Side.RIGHT)[k % 2]
        palsy = Palsy.peripheral(weak, Grade.IV)
        frames, truth = [], []
        for t, amount in zip(times, amounts, strict=True):
            driven = drive(Movement.GRIN, palsy, intensity=float(amount))
            scene = Scene(pose=HeadPose(8 * np.sin(2 * np.pi * t / 4)))
            frames.append(render_drive(subject, driven, View(SIZE, scene=scene))[0])
            truth.append([driven.of(s).fields.get("smile", 0.0) for s in (Side.LEFT, Side.RIGHT)])
        faces, _ = follow(frames, np.random.default_rng(k))
        clip = capture_over_time(faces, times.tolist(), where=f"subject {k}")
        for which in ("captured", "smoothed"):
            found = [
                [getattr(f, which).of(s).fields["smile"] for s in (Side.LEFT, Side.RIGHT)]
                for f in clip.frames
            ]
            r = [np.corrcoef(np.array(found)[:, j], np.array(truth)[:, j])[0, 1] for j in (0, 1)]
            rows.append((which, r[weak is Side.RIGHT], r[weak is not Side.RIGHT]))
    for which in ("captured", "smoothed"):
        weak_r, other = np.mean([r[1:] for r in rows if r[0] == which], 0)
        print(f"\nrendered grins, swaying, {which}: r {weak_r:.3f} weak, {other:.3f} other side")


def print_times(person: Smiler, repeats: int = 60) -> None:
    """CPU milliseconds of every stage on one thread."""
    rng = np.random.default_rng(0)
    frames = [camera(person.rest.image, rng) for _ in range(repeats)]
    whole = CropRegion.whole(frames[0])
    faces = [detect_faces(frame)[0] for frame in frames]
    known, tracker, one = know_rest(faces[0]), FaceTracker(), LiveCapture(faces[0])
    expression = capture(faces[0], known)
    smooth_times = [k * FRAME for k in range(repeats)]
    stages: dict[str, Callable[[int], object]] = {
        "detection alone": lambda k: detect(frames[k], whole),
        "detection, landmarks, blendshapes": lambda k: detect_faces(frames[k]),
        "the same, followed": lambda k: tracker.update(frames[k]),
        "capture, rest given as a face": lambda k: capture(faces[k], faces[0]),
        "capture, rest known": lambda k: capture(faces[k], known),
        "capture, filter and drive": lambda k: one.update(faces[k], smooth_times[k]),
        "drive": lambda k: drive_of(expression),
    }
    print(f"\n| stage, {SIZE} px, one thread | ms a frame |\n|---|---|")
    for name, stage in stages.items():
        spent = []
        for k in range(repeats):
            start = time.thread_time()
            stage(k)
            spent.append(time.thread_time() - start)
        print(f"| {name} | {1000 * np.median(spent):.1f} |")
    start = time.thread_time()
    capture_over_time(faces, smooth_times, faces[0])
    spent = [time.thread_time() - start]
    print(f"| a whole clip: capture, smoother, drive | {1000 * spent[0] / repeats:.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--people", type=int, default=60)
    parser.add_argument("--photographs-only", action="store_true")
    options = parser.parse_args()
    found: list[Read] = []
    person = None
    for _, read in read_smilers(options.photographs, SIZE):
        if len(found) == options.people:
            break
        if isinstance(read, Smiler) and min(read.corners.values()) >= MIN_SMILE:
            person = read
            found.append(read_person(read, len(found)))
    print_people(found)
    if options.photographs_only:
        return
    print_turning()
    print_known()
    if person is not None:
        print_times(person)


if __name__ == "__main__":
    cv2.setNumThreads(1)
    main()
