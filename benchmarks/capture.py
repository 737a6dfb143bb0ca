"""Capture: side accuracy on photographed half-smiles, transfers, known coefficients, time.

    python benchmarks/capture.py PHOTOGRAPHS [--known-only] [--photographs-only]

PHOTOGRAPHS holds neutral/ and smiling/ of the same people (a London-set folder). Half-smiles are
made of them, except of people whose smile does not show on both sides. Nothing was fitted to these
smiles.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
from scipy.stats import spearmanr

from palsynth.capture import ExpressionCoefficients, capture, drive_of
from palsynth.capture.basis import SIDED, basis
from palsynth.capture.reading import mouth_difference, read
from palsynth.capture.seen import MIN_EDGE, lip_edge
from palsynth.clinical import YANAGIHARA, Grade, Movement, Muscle, Palsy, Side, SidePalsy
from palsynth.comparison.half_smiles import MIN_SMILE
from palsynth.data.half_smiles import Smiler, half_smile, read_smilers
from palsynth.encoders.published.dlib import SAME_PERSON, DlibRecogniser
from palsynth.face import topology
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER
from palsynth.methods import Request, get_method
from palsynth.methods.base import ExpressionImage, Method
from palsynth.simulator import surface
from palsynth.simulator.compose import compose
from palsynth.simulator.drive import Drive, drive
from palsynth.simulator.photo import at_rest
from palsynth.subjects import (
    HeadPose,
    Scene,
    View,
    random_palsy,
    random_view,
    render,
    render_drive,
    sample,
)

SIZE = 512
SHARES = (0.25, 0.5, 0.75, 1.0)
LIPS = [
    *topology.OUTER_UPPER_LIP,
    *topology.OUTER_LOWER_LIP,
    *topology.INNER_UPPER_LIP,
    *topology.INNER_LOWER_LIP,
]


class Person:
    """A photographed person, with the captures of every picture, with and without rest."""

    def __init__(self, smiler: Smiler) -> None:
        self.smiler = smiler
        self.rest = detect_face(smiler.rest.image)
        self.smile = detect_face(smiler.smile.image)
        self.halves = {
            (side, share): detect_face(half_smile(smiler, side, share))
            for side in Side
            for share in SHARES
        }
        self.captures: dict[object, dict[bool, ExpressionCoefficients]] = {
            key: {True: capture(face, self.rest), False: capture(face)}
            for key, face in {"rest": self.rest, "smile": self.smile, **self.halves}.items()
        }


def print_sides(people: list[Person]) -> None:
    """Forced choice, pairs, detection at 5 % false alarms and rank, by the mouth's difference."""
    print(
        "| people | picture | side, shares 0.5 and 1 | left from right | detected, share 1 | rank |"
    )
    print("|---|---|---|---|---|---|")
    for name, some in groups(people).items():
        for with_rest in (False, True):
            truth, measured, healthy, pairs = [], [], [], []
            for person in some:
                value = {k: mouth_difference(c[with_rest]) for k, c in person.captures.items()}
                healthy += [value["rest"], value["smile"]]
                for share in SHARES:
                    for side in Side:
                        truth.append(side.sign * share)
                        measured.append(value[side, share])
                pairs.append(value[Side.LEFT, 1.0] > value[Side.RIGHT, 1.0])
            t, v = np.array(truth), np.array(measured)
            clear, full = np.abs(t) >= 0.5, np.abs(t) == 1
            clear &= np.abs(t) != 0.75
            limit = np.quantile(np.abs(healthy), 0.95)
            print(
                f"| {name} ({len(some)}) | {'with rest' if with_rest else 'one picture'} "
                f"| {np.mean(np.sign(t) == np.sign(v), where=clear):.1%} | {np.mean(pairs):.1%} "
                f"| {np.mean(np.abs(v) > limit, where=full):.1%} | {spearmanr(t, v)[0]:.3f} |"
            )
    named = {
        with_rest: [
            (side, read(person.captures[side, 1.0][with_rest]).weak_side)
            for person in people
            for side in Side
        ]
        for with_rest in (False, True)
    }
    for with_rest, found in named.items():
        answers = [(t, s) for t, s in found if s is not None]
        false = [
            read(p.captures[k][with_rest]).weak_side is not None
            for p in people
            for k in (("smile",) if with_rest else ("rest", "smile"))
        ]
        print(
            f"\n`measure`, {'with rest' if with_rest else 'one picture'}: a weak side named in "
            f"{len(answers) / len(found):.1%} of half-smiles at share 1, correctly in "
            f"{np.mean([t is s for t, s in answers]):.1%} of them, and in {np.mean(false):.1%} of "
            + ("full smiles" if with_rest else "rests and full smiles")
        )


def groups(people: list[Person]) -> dict[str, list[Person]]:
    """The test people, all, and every gender and ethnicity of at least five people."""
    found = {"test people": [p for p in people if p.smiler.split == "test"], "all": people}
    for column in ("gender", "ethnicity"):
        for value in sorted({getattr(p.smiler, column) for p in people}):
            some = [p for p in people if getattr(p.smiler, column) == value]
            if value and len(some) >= 5:
                found[value] = some
    return {name: some for name, some in found.items() if some}


def print_transfers(people: list[Person], methods: list[str]) -> None:
    """Self: the person's own half-smile, with itself as the truth. Cross: on the next person."""
    judge = DlibRecogniser()
    print(
        "\n| method | self: landmark error, mouth | PSNR of moving pixels "
        "| cross: side | rank | re-identified |"
    )
    print("|---|---|---|---|---|---|")
    rows: dict[str, Callable[[Face, Face, Face], np.ndarray]] = {
        "copy-identity": lambda identity, expression, rest: identity.image
    }
    for name in methods:
        made = get_method(name)
        if name in ("captured", "cfcpalsy"):
            rows[f"{name}, with rest"] = lambda i, e, r, m=made: _one(m, i, ExpressionImage(e, r))
        rows[name] = lambda i, e, r, m=made: _one(m, i, ExpressionImage(e))
    for name, make in rows.items():
        errors, psnr, requested, measured, same = [], [], [], [], []
        for k, person in enumerate(people):
            other = people[(k + 1) % len(people)]
            for side in Side:
                for share in (0.5, 1.0):
                    face = person.halves[side, share]
                    image = make(person.rest, face, person.rest)
                    errors.append(_errors(detect_face(image), face))
                    psnr.append(_psnr(image, face.image, person.rest.image))
                    result = detect_face(make(other.rest, face, person.rest))
                    requested.append(mouth_difference(person.captures[side, share][True]))
                    measured.append((side.sign, mouth_difference(capture(result, other.rest))))
                    same.append(judge.distance(other.rest, result) < SAME_PERSON)
        sides = [np.sign(value) == sign for sign, value in measured]
        rank = (
            spearmanr(requested, [v for _, v in measured])[0] if name != "copy-identity" else np.nan
        )
        print(
            f"| {name} | {np.mean(errors, 0)[0]:.2f} %, {np.mean(errors, 0)[1]:.2f} % "
            f"| {np.mean(psnr):.2f} dB | {np.mean(sides):.1%} | {rank:.3f} | {np.mean(same):.1%} |",
            flush=True,
        )


def _one(method: Method, identity: Face, picture: ExpressionImage) -> np.ndarray:
    return method([Request(identity, picture, 0, SIZE, None)])[0]


def _errors(found: Face, truth: Face) -> tuple[float, float]:
    gap = np.linalg.norm(found.landmarks[:468, :2] - truth.landmarks[:468, :2], axis=1)
    gap = 100 * gap / truth.outer_eyes
    return float(gap.mean()), float(gap[LIPS].mean())


def _psnr(image: np.ndarray, truth: np.ndarray, rest: np.ndarray) -> float:
    """Over the pixels in which the true photograph differs from the person at rest."""
    moves = np.abs(truth.astype(float) - rest).max(-1) > 12
    error = np.square(image.astype(float) - truth)[moves].mean()
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def print_known(people: int = 40) -> None:
    """Synthetic subjects with known strengths, every field perturbed by a fifth of its own size."""
    rng = np.random.default_rng(0)
    library = surface.fields()
    perturbed = {
        name: values if name == "depth" else _perturbed(values, rng)
        for name, values in library.items()
    }
    true, one, two, synkinetic = [], [], [], []
    original, surface.fields = surface.fields, lambda: perturbed
    try:
        for k in range(people):
            subject = sample(1_000_200 + k)
            rest = detect_face(
                render_drive(
                    subject,
                    drive(Movement.REST, Palsy.none()),
                    random_view(np.random.default_rng([21, k]), 256, RECOGNISER),
                )[0]
            )
            for j, movement in enumerate(YANAGIHARA):
                own = np.random.default_rng([22, k, j])
                side = Side.LEFT if own.random() < 0.5 else Side.RIGHT
                links = movement is Movement.GRIN and own.random() < 0.5
                palsy = random_palsy(own, side, healthy=0.15)
                if movement is Movement.GRIN:
                    palsy = _partly_recovered(side, links)
                driven = drive(movement, palsy, intensity=float(own.uniform(0.85, 1.1)))
                image = render_drive(subject, driven, random_view(own, 256, RECOGNISER))[0]
                surface.fields = original  # capture knows the fields as they ship
                face = detect_face(image)
                single, double = capture(face), capture(face, rest)
                surface.fields = lambda: perturbed
                for s in Side:
                    true.append(_vector(driven.of(s).fields, driven.of(s).closure))
                    one.append(_vector(single.of(s).fields, single.of(s).closure))
                    two.append(_vector(double.of(s).fields, double.of(s).closure))
                if movement is Movement.GRIN:
                    narrower = double.of(side).closure - double.of(side.other).closure
                    synkinetic.append((links, narrower, bool(read(double).synkinesis)))
    finally:
        surface.fields = original
    t, a, b = np.array(true), np.array(one), np.array(two)
    print(
        "\n| strength | standard deviation | one picture: r, slope | with rest: r, slope |\n"
        "|---|---|---|---|"
    )
    for k, name in enumerate((*SIDED, "lid closure")):
        if t[:, k].std() > 0.05:
            print(
                f"| {name} | {t[:, k].std():.2f} | {_fit(a[:, k], t[:, k])} "
                f"| {_fit(b[:, k], t[:, k])} |"
            )
    yes = [v for links, v, _ in synkinetic if links]
    no = [v for links, v, _ in synkinetic if not links]
    auc = np.mean([(y > n) + 0.5 * (y == n) for y in yes for n in no])
    print(
        f"\nsynkinesis of eye and mouth in grins: AUC {auc:.3f}; named in "
        f"{np.mean([f for links, _, f in synkinetic if links]):.0%} of {len(yes)}, falsely in "
        f"{np.mean([f for links, _, f in synkinetic if not links]):.0%} of {len(no)}"
    )
    print(f"most similar fields (cosine): {_most_similar()}")


def print_turned(people: int = 20) -> None:
    """Grins of synthetic subjects with turned heads, with a frontal rest picture and without."""
    print(
        "\n| head turned by | side, grade IV: one picture, with rest | healthy grins named weak |"
    )
    print("|---|---|---|")
    for yaw in (0.0, 10.0, 20.0):
        right, named = [], []
        for k in range(people):
            subject = sample(1_000_600 + k)
            rest = detect_face(render(subject, view=View(256)).image)
            for turn in (-yaw, yaw):
                view = View(256, scene=Scene(pose=HeadPose(turn)))
                for side in Side:
                    palsy = Palsy.peripheral(side, Grade.IV)
                    face = detect_face(render(subject, Movement.GRIN, palsy, view=view).image)
                    right.append(
                        [
                            np.sign(mouth_difference(capture(face, r))) == side.sign
                            for r in (None, rest)
                        ]
                    )
                healthy = detect_face(render(subject, Movement.GRIN, view=view).image)
                named.append(
                    [read(capture(healthy, r)).weak_side is not None for r in (None, rest)]
                )
        cells = [", ".join(f"{v:.1%}" for v in np.mean(x, 0)) for x in (right, named)]
        print(f"| {yaw:.0f}° | {cells[0]} | {cells[1]} |", flush=True)


def print_degraded(people: list[Person]) -> None:
    """Side accuracy on half-smiles in small, grey and compressed pictures, shares 0.5 and 1."""
    print("\n| picture | side: one picture | with rest |\n|---|---|---|")
    for size, grey, quality in ((112, False, 90), (112, True, 75), (64, False, 90)):
        one, two = [], []
        for person in people:
            rest = _degraded(person.rest, size, grey, quality)
            for side in Side:
                for share in (0.5, 1.0):
                    face = _degraded(person.halves[side, share], size, grey, quality)
                    one.append(np.sign(mouth_difference(capture(face))) == side.sign)
                    two.append(np.sign(mouth_difference(capture(face, rest))) == side.sign)
        name = f"{size} px, {'grey, ' if grey else ''}JPEG {quality}"
        print(f"| {name} | {np.mean(one):.1%} | {np.mean(two):.1%} |", flush=True)


def print_covered(people: list[Person]) -> None:
    """How many mouths are rejected as covered: visible, and under a painted mask or hand."""
    visible = [p.rest for p in people] + [p.smile for p in people]
    covered = []
    for k, person in enumerate(people):
        image = person.rest.image.copy()
        middle = person.rest.landmarks[[13, 14], :2].mean(0).round().astype(int).tolist()
        width = 0.5 * person.rest.outer_eyes
        skin = np.median(
            image[
                person.rest.landmarks[[205, 425], 1].astype(int),
                person.rest.landmarks[[205, 425], 0].astype(int),
            ],
            0,
        )
        colour = ((120, 170, 210), (225, 225, 222), (35, 35, 38), tuple(skin.tolist()))[k % 4]
        cv2.ellipse(image, middle, (int(width), int(0.7 * width)), 0, 0, 360, colour, -1)
        covered.append(detect_face(cv2.GaussianBlur(image, (0, 0), 0.8)))
    print("\n| mouths | rejected as covered |\n|---|---|")
    for name, faces in (("visible", visible), ("covered", covered)):
        print(f"| {name} | {sum(lip_edge(f) < MIN_EDGE for f in faces)} of {len(faces)} |")
    rolled = sum(
        c[k].of(s).roll > 0
        for p in people
        for c in p.captures.values()
        for k in (True, False)
        for s in Side
    )
    print(f"\neyes read as rolled in these photographs: {rolled}")


def _degraded(face: Face, size: int, grey: bool, quality: int) -> Face:
    image = face.aligned(RECOGNISER, size).image
    if grey:
        image = np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return detect_face(cv2.imdecode(encoded, cv2.IMREAD_COLOR))


def _partly_recovered(side: Side, links: bool) -> Palsy:
    """A partly recovered palsy, with or without synkinesis of eye and mouth."""
    state = SidePalsy({b: 0.7 for b in SidePalsy().function}, 0.9)
    if links:
        state = SidePalsy(
            state.function, 0.9, {(Muscle.ZYGOMATICUS, Muscle.ORBICULARIS_OCULI): 0.6}
        )
    return Palsy(left=state) if side is Side.LEFT else Palsy(right=state)


def _perturbed(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A field plus a smooth random displacement of a fifth of its own size."""
    points = surface.rest_surface()[:, :2]
    noise = np.zeros_like(values)
    for _ in range(6):
        wave, phase = rng.normal(0, 4, 2), rng.uniform(0, 2 * np.pi)
        noise += np.cos(points @ wave + phase)[:, None] * rng.normal(0, 1, 3).astype(np.float32)
    strength = np.linalg.norm(values, axis=1, keepdims=True)
    return (values + 0.2 * strength * noise / np.sqrt(3)).astype(np.float32)


def _vector(fields: Mapping[str, float], closure: float) -> list[float]:
    return [*(fields.get(name, 0.0) for name in SIDED), closure]


def _fit(captured: np.ndarray, true: np.ndarray) -> str:
    slope = float((captured * true).sum() / max(np.square(captured).sum(), 1e-9))
    return f"{np.corrcoef(captured, true)[0, 1]:.2f}, {slope:.2f}"


def _most_similar(count: int = 5) -> str:
    """The pairs of fields of one side whose landmark displacements are most similar."""
    columns = basis().columns[: 2 * len(SIDED) : 2, :, :2].reshape(len(SIDED), -1)
    unit = columns / np.linalg.norm(columns, axis=1, keepdims=True)
    cosine = np.triu(np.abs(unit @ unit.T), 1)
    order = np.argsort(-cosine.ravel())[:count]
    pairs = [divmod(int(k), len(SIDED)) for k in order]
    return ", ".join(f"{SIDED[a]} and {SIDED[b]} {cosine[a, b]:.2f}" for a, b in pairs)


def print_times(person: Person) -> None:
    face, rest = person.halves[Side.LEFT, 1.0], person.rest
    prepared = at_rest(rest)
    driven: Drive = drive_of(capture(face, rest))
    for name, stage in {
        "capture, one picture": lambda: capture(face),
        "capture, with rest": lambda: capture(face, rest),
        "retarget, 512 px": lambda: compose(prepared, driven),
    }.items():
        seconds = []
        for _ in range(40):
            start = time.perf_counter()
            stage()
            seconds.append(time.perf_counter() - start)
        print(f"{name}: {1000 * np.median(seconds):.1f} ms on one core (after landmarks)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--known-only", action="store_true")
    parser.add_argument("--photographs-only", action="store_true")
    parser.add_argument("--methods", nargs="*", default=["captured", "draft", "cfcpalsy"])
    options = parser.parse_args()
    if not options.known_only:
        people = [
            Person(found)
            for _, found in read_smilers(options.photographs, SIZE)
            if isinstance(found, Smiler) and min(found.corners.values()) >= MIN_SMILE
        ]
        print_sides(people)
        print_degraded(people)
        print_covered(people)
        print_times(people[0])
        print("\nTest people:")
        print_transfers([p for p in people if p.smiler.split == "test"] or people, options.methods)
    if not options.photographs_only:
        print_known()
        print_turned()


if __name__ == "__main__":
    cv2.setNumThreads(1)
    main()
