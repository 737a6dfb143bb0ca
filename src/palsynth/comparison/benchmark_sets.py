"""Benchmark sets: requests with ground truth, the same bytes on every machine.

A set is a dataset folder and ``pairs.csv``: one row per request, with its identity image,
expression image, truth, and the requested movement and palsy.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import palsynth
from palsynth.clinical import YANAGIHARA, Movement, Palsy, Side
from palsynth.data.manifest import Row
from palsynth.data.pairs import Pair, write_pairs
from palsynth.data.writer import DatasetWriter
from palsynth.face.detect import read_face
from palsynth.face.framing import PORTRAIT, RECOGNISER, Framing
from palsynth.face.photographs import Expression, photographs_sha256, read_subjects
from palsynth.generation.runner import Planned, write_planned
from palsynth.locks import lock_folder
from palsynth.methods.base import Request, TargetExpression
from palsynth.methods.resolve import REST
from palsynth.methods.subjects import SubjectsMethod
from palsynth.progress import Progress
from palsynth.seeds import Stream, make_rng
from palsynth.subjects import (
    EVALUATION_SEEDS,
    Light,
    Scene,
    Subject,
    random_palsy,
    random_scene,
    sample,
)

IDENTITIES = 50
PATIENTS, IMAGES, FURTHER = 3, 60, 60
ELSEWHERE_CLOTH, ELSEWHERE_WALL = (118, 168, 138), 4
_EXPRESSIONS_FROM = EVALUATION_SEEDS + 1000
_PATIENTS_FROM = EVALUATION_SEEDS + 2000
_FURTHER_FROM = EVALUATION_SEEDS + 3000
_NON_PATIENTS_FROM = EVALUATION_SEEDS + 4000


SetPicture = tuple[Planned, Pair | None]
"""A picture of a set, and the pair that it completes, if it does."""


def vp_transfer(
    folder: Path, size: int = 112, framing: Framing = RECOGNISER, progress: Progress | None = None
) -> None:
    """Makes vp-transfer: 50 synthetic subjects as identities x 10 movements.

    Every pair has a palsy of its own. The expression images show 50 other subjects; the truth
    shows the identity subject in the pose and light of the identity image.

    Args:
        folder: folder of the set.
        size: side of the images, pixels.
        framing: position and scale of the face in the images.
        progress: called with the number of finished pictures and their total.
    """
    total = IDENTITIES * (2 + 2 * len(YANAGIHARA))
    plan = _plan("vp-transfer", size, framing)
    _write_set(folder, plan, _transfer_pictures(size, framing), total, progress)


def _transfer_pictures(size: int, framing: Framing) -> Iterator[SetPicture]:
    for k in range(IDENTITIES):
        subject = sample(EVALUATION_SEEDS + k)
        other = sample(_EXPRESSIONS_FROM + k)
        scene = random_scene(make_rng(Stream.TRANSFER_IDENTITY_VIEW, k))
        identity, other_identity = f"identity/{k:04d}.png", f"expression/{k:04d}-identity.png"
        yield _picture(identity, _request(subject, REST, size, framing, scene)), None
        rest_scene = random_scene(make_rng(Stream.TRANSFER_EXPRESSION_VIEW, k))
        yield _picture(other_identity, _request(other, REST, size, framing, rest_scene)), None
        for j, movement in enumerate(YANAGIHARA):
            rng = make_rng(Stream.TRANSFER_EXPRESSION, k, j)
            side = Side.LEFT if rng.random() < 0.5 else Side.RIGHT
            palsy, intensity = random_palsy(rng, side, healthy=0.1), float(rng.uniform(0.9, 1.1))
            target = TargetExpression(movement, palsy, intensity)
            name = f"{k:04d}-{movement.value}.png"
            own = _request(other, target, size, framing, random_scene(rng))
            yield _picture(f"expression/{name}", own), None
            truth = _request(subject, target, size, framing, scene)
            pair = Pair(
                name,
                identity,
                f"expression/{name}",
                f"truth/{name}",
                subject.name,
                movement.value,
                json.dumps(palsy.to_dict()),
                other_identity,
                subject.gender,
                subject.ethnicity,
            )
            yield _picture(f"truth/{name}", truth), pair


def vp_patients(
    folder: Path, size: int = 128, framing: Framing = PORTRAIT, progress: Progress | None = None
) -> None:
    """Makes vp-patients: 3 virtual patients x 10 movements x 60 images, and 60 further patients.

    The 3 patients follow the ControlNet paper and are the set's train split: a ControlNet is tuned
    on them. The further patients show ten movements each. Every patient has a non-patient of its
    own, at rest, as the identity. Pairs are the images of the further patients and the first
    image of each movement of the training patients; there is no truth.

    Args:
        folder: folder of the set.
        size: side of the images, pixels.
        framing: position and scale of the face in the images.
        progress: called with the number of finished pictures and their total.
    """
    pictures = _patients_pictures(size, framing, lambda scene: scene)
    _write_set(folder, _plan("vp-patients", size, framing), pictures, _patients_total(), progress)


def vp_patients_elsewhere(
    folder: Path, size: int = 128, framing: Framing = PORTRAIT, progress: Progress | None = None
) -> None:
    """Makes vp-patients-elsewhere: the pictures of vp-patients, but the patients wear green before
    a wall of another colour, in dimmer and warmer light from one side.

    The non-patients look as in vp-patients, which is what the base that ships was trained on: a
    ControlNet that is tuned on these patients has something to learn besides their faces.

    Args:
        folder: folder of the set.
        size: side of the images, pixels.
        framing: position and scale of the face in the images.
        progress: called with the number of finished pictures and their total.
    """
    plan = _plan("vp-patients-elsewhere", size, framing)
    pictures = _patients_pictures(size, framing, _elsewhere)
    _write_set(folder, plan, pictures, _patients_total(), progress)


def _patients_total() -> int:
    return (PATIENTS * IMAGES + FURTHER) * len(YANAGIHARA) + PATIENTS + FURTHER


def _elsewhere(scene: Scene) -> Scene:
    """A scene in another clinic; the light varies as much as in the first."""
    light = scene.light
    light = Light(0.9 + 0.2 * light.side, 0.75 * light.exposure, 0.9 + 0.25 * light.warmth)
    return replace(scene, light=light, backdrop=ELSEWHERE_WALL, cloth=ELSEWHERE_CLOTH)


def _patients_pictures(
    size: int, framing: Framing, photographed: Callable[[Scene], Scene]
) -> Iterator[SetPicture]:
    for k in range(PATIENTS + FURTHER):
        training = k < PATIENTS
        subject = sample((_PATIENTS_FROM + k) if training else (_FURTHER_FROM + k - PATIENTS))
        rng = make_rng(Stream.PATIENTS_PALSY, k)
        side = Side.LEFT if rng.random() < 0.5 else Side.RIGHT
        palsy = random_palsy(rng, side)
        other = sample(_NON_PATIENTS_FROM + k)
        identity = f"non-patients/{k:04d}.png"
        yield _picture(identity, _request(other, REST, size, framing, random_scene(rng))), None
        place, split = ("patients", "train") if training else ("further", "test")
        for movement in YANAGIHARA:
            for number in range(IMAGES if training else 1):
                name = f"{place}/{k:04d}/{movement.value}-{number:02d}.png"
                scene = photographed(random_scene(rng))
                target = TargetExpression(movement, palsy, float(rng.uniform(0.8, 1.1)))
                request = _request(subject, target, size, framing, scene)
                pair = Pair(
                    f"{k:04d}-{movement.value}.png",
                    identity,
                    name,
                    "",
                    subject.name,
                    movement.value,
                    json.dumps(palsy.to_dict()),
                    f"{place}/{k:04d}/rest-00.png",
                    subject.gender,
                    subject.ethnicity,
                )
                yield _picture(name, request, split), None if number else pair


def london_smile(
    folder: Path,
    photographs: Path,
    size: int = 112,
    framing: Framing = RECOGNISER,
    progress: Progress | None = None,
) -> None:
    """Makes london-smile from the 16 test people of the Face Research Lab London Set.

    Identity A neutral, expression B smiling, truth A smiling, for every ordered pair of two
    people. The set shows photographs of real people and must not be published.

    Args:
        folder: folder of the set.
        photographs: A London-set folder.
        size: side of the images, pixels.
        framing: position and scale of the face in the images.
        progress: called with the number of finished pictures and their total.

    Raises:
        InputError: the photographs or their tables cannot be read, or ``folder`` holds a set of
            other photographs.
    """
    subjects = read_subjects(photographs, "test")
    plan = _plan("london-smile", size, framing)
    plan["photographs"] = photographs_sha256(photographs)
    with lock_folder(folder):
        writer = DatasetWriter(folder, plan)
        kinds: dict[Expression, tuple[str, Movement]] = {
            "neutral": ("identity", Movement.REST),
            "smiling": ("truth", Movement.GRIN),
        }
        files = []
        for subject in subjects:
            for kind, (place, movement) in kinds.items():
                files.append(f"{place}/{subject.name}.png")
                if not writer.has(files[-1]):
                    face = read_face(subject.path(kind)).aligned(framing, size)
                    row = Row(files[-1], subject.name, movement=movement.value, split="test")
                    writer.add(face.image, row)
                if progress is not None:
                    progress(len(files), len(kinds) * len(subjects))
        healthy = json.dumps(Palsy.none().to_dict())
        pairs = [
            Pair(
                f"{a.name}-{b.name}.png",
                f"identity/{a.name}.png",
                f"truth/{b.name}.png",
                f"truth/{a.name}.png",
                a.name,
                Movement.GRIN.value,
                healthy,
                f"identity/{b.name}.png",
                a.gender,
                a.ethnicity,
            )
            for a, b in permutations(subjects, 2)
        ]
        writer.finish(files)
        write_pairs(folder / "pairs.csv", pairs)


SETS: dict[str, Callable[..., None]] = {
    "vp-transfer": vp_transfer,
    "vp-patients": vp_patients,
    "vp-patients-elsewhere": vp_patients_elsewhere,
    "london-smile": london_smile,
}
"""Name -> function that makes the set."""


def _plan(name: str, size: int, framing: Framing) -> dict[str, Any]:
    return {
        "benchmark": name,
        "size": size,
        "framing": framing.name,
        "version": palsynth.__version__,
    }


def _request(
    subject: Subject, target: TargetExpression, size: int, framing: Framing, scene: Scene
) -> Request:
    return Request(subject, target, subject.seed, size, framing, scene=scene)


def _picture(name: str, request: Request, split: str = "test") -> Planned:
    """A picture of a subject, with what its row says of the subject."""
    subject = request.identity
    assert isinstance(subject, Subject)
    about = {"age": subject.age, "gender": subject.gender, "ethnicity": subject.ethnicity}
    return Planned(name, subject.name, request, split=split, attributes=about)


def _write_set(
    folder: Path,
    plan: dict[str, Any],
    pictures: Iterator[SetPicture],
    total: int,
    progress: Progress | None,
) -> None:
    """Writes the pictures of a set that do not exist yet, then its manifest and pairs."""
    names: list[str] = []
    pairs: list[Pair] = []

    def planned() -> Iterator[Planned]:
        for picture, pair in pictures:
            names.append(picture.file_name)
            if pair is not None:
                pairs.append(pair)
            yield picture

    with lock_folder(folder):
        writer = DatasetWriter(folder, plan)
        write_planned(writer, planned(), SubjectsMethod(), total, progress)
        writer.finish(names)
        write_pairs(folder / "pairs.csv", pairs)
