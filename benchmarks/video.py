"""Clips read back: side and weakness over time, flicker, and a patient's clip on somebody else.

    python benchmarks/video.py OUT [--photographs PHOTOGRAPHS] [--people 6] [--size 256]

PHOTOGRAPHS holds neutral/ and smiling/ of the same people (a London-set folder). Of every subject a
clip is made and read back frame by frame. Of every photographed person a clip is composed from the
two photographs, shaken, noisy and compressed: either half smiles and stops, one a second after the
other, and the eyes close once. It is shown on synthetic subjects; the floor is how often the same
subjects are matched to the patient in a requested grin, which owes the patient nothing. Pictures of
people are never written; the plots are.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np

from over_time import blink_clip, camera, smile_clip
from palsynth.capture.over_time import capture_over_time
from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.comparison.half_smiles import MIN_SMILE
from palsynth.data.half_smiles import Smiler, read_smilers
from palsynth.encoders.published.dlib import SAME_PERSON, DlibRecogniser
from palsynth.face.detect import detect_faces
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.face.tracking import FaceTracker
from palsynth.generation.video.excursion import excursion
from palsynth.generation.video.frames import clip_requests, face_at_rest, make_frames
from palsynth.generation.video.readback import Readback
from palsynth.generation.video.script import ClipSettings, write_script
from palsynth.methods.base import Method
from palsynth.methods.registry import get_method
from palsynth.simulator.drive import Drive
from palsynth.simulator.motion import Moment, Sway
from palsynth.subjects import Subject, sample

FPS = 12.5
SUBJECTS = (4, 38, 12, 63, 7, 21)
"""Subjects of the requested clips, dark and light."""

OTHERS = 1_000_900
"""First seed of the subjects that show a patient's clip."""

SHOWN = (
    (Movement.GRIN, "mouth"),
    (Movement.CLOSE_EYES_LIGHTLY, "eye"),
    (Movement.WRINKLE_FOREHEAD, "brow"),
)
"""Movements that are read back, and the region in which each is seen."""

CHECKED = 4
"""Every n-th frame is compared with the patient."""


def series(drives: Sequence[Drive | None], region: str) -> np.ndarray:
    """(T, 2) movement of left and right over time; NaN without a face."""
    rows = []
    for drive in drives:
        found = {"left": np.nan, "right": np.nan} if drive is None else excursion(drive)[region]
        rows.append([found["left"], found["right"]])
    return np.array(rows)


def watched(
    method: Method, subject: Subject, moments: Sequence[Moment], settings: ClipSettings
) -> tuple[list[Drive | None], list[np.ndarray]]:
    """What is read back of a clip, and its frames."""
    rest = face_at_rest(method, subject, settings)
    assert rest is not None
    readback, frames = Readback(rest), []
    for frame in make_frames(method, clip_requests(subject, moments, settings)):
        readback.watch(frame)
        frames.append(frame)
    clip = readback.captured([moment.time for moment in moments])
    return [frame.drive for frame in clip.frames], frames


def corr(a: np.ndarray, b: np.ndarray) -> float:
    ok = np.isfinite(a) & np.isfinite(b)
    return float(np.corrcoef(a[ok], b[ok])[0, 1])


def print_requested(out: Path, subjects: Sequence[int], size: int) -> None:
    """Requested clips of subjects: what is read back of them."""
    print("| movement | clips | r stronger side | r weak side | r weakness | side right |")
    print("|---|---|---|---|---|---|", flush=True)
    method, settings = get_method("subjects"), ClipSettings(size, FPS)
    figure, axes = plt.subplots(len(SHOWN), 1, figsize=(8, 8), sharex=True)
    for axis, (movement, region) in zip(axes, SHOWN, strict=True):
        rows = []
        for number, seed in enumerate(subjects):
            subject, weak = sample(seed), (Side.LEFT, Side.RIGHT)[number % 2]
            palsy = Palsy.peripheral(weak, Grade.IV)
            (take,) = write_script(subject, [movement], palsy, settings)
            moments = take.panels[-1].moments
            seen = series(watched(method, subject, moments, settings)[0], region)
            asked = series([moment.drive for moment in moments], region)
            order = [1, 0] if weak is Side.LEFT else [0, 1]  # stronger, weak
            seen, asked = seen[:, order], asked[:, order]
            gap, wanted = seen[:, 0] - seen[:, 1], asked[:, 0] - asked[:, 1]
            apex = wanted > 0.5 * wanted.max()
            rows.append(
                [
                    corr(seen[:, 0], asked[:, 0]),
                    corr(seen[:, 1], asked[:, 1]),
                    corr(gap, wanted),
                    float((gap[apex] > 0).mean()),
                ]
            )
            if number == 0:
                times = [moment.time for moment in moments]
                for k, name in enumerate(("stronger side", "weak side")):
                    line = axis.plot(times, asked[:, k], "--", label=f"{name}, requested")[0]
                    axis.plot(times, seen[:, k], color=line.get_color(), label=f"{name}, read back")
                axis.set_ylabel(f"{movement.label}:\n{region}, %")
        means, least = np.mean(rows, 0), np.min(rows, 0)
        cells = [f"{m:.3f} (least {w:.3f})" for m, w in zip(means[:3], least[:3], strict=True)]
        print(
            f"| {movement.label} | {len(rows)} | {' | '.join(cells)} | {means[3]:.0%} |", flush=True
        )
    axes[0].legend(fontsize=8)
    axes[-1].set_xlabel("seconds")
    figure.tight_layout()
    figure.savefig(out / "read-back.png", dpi=110)


def patient_frames(person: Smiler, number: int) -> tuple[list[float], list[np.ndarray]]:
    """A patient's clip: half-smiles that come and go, then eyes that close."""
    first = (Side.LEFT, Side.RIGHT)[number % 2]
    _, _, smiles = smile_clip(person, first)
    _, _, blinks = blink_clip(person, first)
    rng = np.random.default_rng([27, number])
    frames = [camera(frame, rng) for frame in (*smiles[::2], *blinks[: len(blinks) // 2 : 2])]
    return [k / FPS for k in range(len(frames))], frames


def read_patient(
    person: Smiler, number: int, size: int, recogniser: DlibRecogniser
) -> dict[str, float]:
    """A patient's clip on a subject."""
    times, frames = patient_frames(person, number)
    tracker = FaceTracker()
    followed = [tracker.update(frame) for frame in frames]
    faces = [None if face is None else face.aligned(PORTRAIT, 128) for face in followed]
    clip = capture_over_time(faces, times, where=f"person {number}")
    subject, method = sample(OTHERS + number), get_method("captured")
    settings = ClipSettings(size, FPS)
    moments = [Moment(f.time, f.drive, Sway()) for f in clip.frames if f.drive is not None]
    seen, made = watched(method, subject, moments, settings)
    mouth = series(seen, "mouth")
    own = series([moment.drive for moment in moments], "mouth")
    known = [describe(recogniser, person.rest), describe(recogniser, person.smile)]
    (take,) = write_script(
        subject, [Movement.GRIN], Palsy.peripheral(Side.LEFT, Grade.IV), settings
    )
    requests = clip_requests(subject, take.panels[-1].moments[::CHECKED], settings)
    floor = list(make_frames(method, requests))
    matched = [d < SAME_PERSON for d in distances(recogniser, known, made[::CHECKED])]
    chance = [d < SAME_PERSON for d in distances(recogniser, known, floor)]
    return {
        "left": corr(mouth[:, 0], own[:, 0]),
        "right": corr(mouth[:, 1], own[:, 1]),
        "eyes": corr(
            series(seen, "eye").mean(1), series([m.drive for m in moments], "eye").mean(1)
        ),
        "matched": float(np.mean(matched)),
        "floor": float(np.mean(chance)),
    }


def describe(recogniser: DlibRecogniser, face: Face) -> np.ndarray:
    return recogniser.describe(recogniser.crop(face).image)


def distances(
    recogniser: DlibRecogniser, known: Sequence[np.ndarray], frames: Sequence[np.ndarray]
) -> Iterator[float]:
    """Smallest distance of each frame with a single face to the patient."""
    for frame in frames:
        faces = detect_faces(frame)
        if len(faces) == 1:
            features = describe(recogniser, faces[0])
            yield min(float(np.linalg.norm(features - one)) for one in known)


def print_patients(photographs: Path, count: int, size: int) -> None:
    """Clips of photographed people on subjects, by skin tone and gender."""
    recogniser = DlibRecogniser()
    found: list[tuple[Smiler, dict[str, float]]] = []
    for _, read in read_smilers(photographs, 384):
        if len(found) == count:
            break
        if isinstance(read, Smiler) and min(read.corners.values()) >= MIN_SMILE:
            found.append((read, read_patient(read, len(found), size, recogniser)))
            print(f"person {len(found)}: {found[-1][1]}", flush=True)
    print("\n| people | r left corner | r right corner | r lids | matched | floor |")
    print("|---|---|---|---|---|---|")
    groups = [
        "all",
        *sorted({p.gender for p, _ in found}),
        *sorted({p.ethnicity for p, _ in found}),
    ]
    for name in groups:
        some = [f for person, f in found if name in ("all", person.gender, person.ethnicity)]
        cells = [
            f"{np.mean([f[k] for f in some]):.3f} (least {min(f[k] for f in some):.3f})"
            for k in ("left", "right", "eyes")
        ]
        shares = [f"{np.mean([f[k] for f in some]):.0%}" for k in ("matched", "floor")]
        print(f"| {name} ({len(some)}) | {' | '.join([*cells, *shares])} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--photographs", type=Path)
    parser.add_argument("--people", type=int, default=6)
    parser.add_argument("--subjects", type=int, default=len(SUBJECTS))
    parser.add_argument("--size", type=int, default=256)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.subjects:
        print_requested(options.out, SUBJECTS[: options.subjects], options.size)
    if options.photographs is not None:
        print_patients(options.photographs, options.people, options.size)


if __name__ == "__main__":
    cv2.setNumThreads(1)
    main()
