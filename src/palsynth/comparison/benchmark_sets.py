"""Benchmark sets: requests with ground truth, the same bytes on every machine.

A set is a dataset folder and ``pairs.csv``: one row per request, with its identity image,
expression image, truth, and the requested movement and palsy.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path

import palsynth
from palsynth.clinical import YANAGIHARA, Movement, Palsy, Side, house_brackmann, item_score
from palsynth.data.manifest import Row
from palsynth.data.pairs import Pair, write_pairs
from palsynth.data.writer import DatasetWriter
from palsynth.face.detect import read_face
from palsynth.face.framing import PORTRAIT, RECOGNISER, Framing
from palsynth.face.photographs import Expression, read_subjects
from palsynth.seeds import Stream, make_rng
from palsynth.subjects import (
    EVALUATION_SEEDS,
    Subject,
    View,
    random_palsy,
    random_view,
    render,
    sample,
)

IDENTITIES = 50
PATIENTS, IMAGES, FURTHER = 3, 60, 60
_EXPRESSIONS_FROM = EVALUATION_SEEDS + 1000
_PATIENTS_FROM = EVALUATION_SEEDS + 2000
_FURTHER_FROM = EVALUATION_SEEDS + 3000
_NON_PATIENTS_FROM = EVALUATION_SEEDS + 4000


def vp_transfer(folder: Path, size: int = 112, framing: Framing = RECOGNISER) -> Iterator[int]:
    """Makes vp-transfer: 50 synthetic subjects as identities x 10 movements.

    Every pair has a palsy of its own. The expression images show 50 other subjects; the truth
    shows the identity subject in the pose and light of the identity image.

    Args:
        folder: folder of the set.
        size: side of the images, pixels.
        framing: position and scale of the face in the images.

    Yields:
        The number of finished pairs, of 500.
    """
    images = _SetWriter(folder, "vp-transfer", size, framing)
    pairs = []
    for k in range(IDENTITIES):
        subject = sample(EVALUATION_SEEDS + k)
        other = sample(_EXPRESSIONS_FROM + k)
        view = random_view(make_rng(Stream.TRANSFER_IDENTITY_VIEW, k), size, framing)
        identity, other_identity = f"identity/{k:04d}.png", f"expression/{k:04d}-identity.png"
        images.render(identity, subject, Movement.REST, Palsy.none(), 1.0, view)
        rest_view = random_view(make_rng(Stream.TRANSFER_EXPRESSION_VIEW, k), size, framing)
        images.render(other_identity, other, Movement.REST, Palsy.none(), 1.0, rest_view)
        for j, movement in enumerate(YANAGIHARA):
            rng = make_rng(Stream.TRANSFER_EXPRESSION, k, j)
            side = Side.LEFT if rng.random() < 0.5 else Side.RIGHT
            palsy, intensity = random_palsy(rng, side, healthy=0.1), float(rng.uniform(0.9, 1.1))
            name = f"{k:04d}-{movement.value}.png"
            own_view = random_view(rng, size, framing)
            images.render(f"expression/{name}", other, movement, palsy, intensity, own_view)
            images.render(f"truth/{name}", subject, movement, palsy, intensity, view)
            pairs.append(
                Pair(
                    name,
                    identity,
                    f"expression/{name}",
                    f"truth/{name}",
                    _name(subject),
                    movement.value,
                    json.dumps(palsy.to_dict()),
                    other_identity,
                    subject.gender,
                    subject.ethnicity,
                )
            )
            yield len(pairs)
    images.finish(pairs)


def vp_patients(folder: Path, size: int = 128, framing: Framing = PORTRAIT) -> Iterator[int]:
    """Makes vp-patients: 3 virtual patients x 10 movements x 60 images, and 60 further patients.

    The 3 patients follow the ControlNet paper and are the set's train split: a ControlNet is tuned
    on them. The further patients show ten movements each. Every patient has a non-patient of its
    own, at rest, as the identity. Pairs are the images of the further patients and the first
    image of each movement of the training patients; there is no truth.

    Args:
        folder: folder of the set.
        size: side of the images, pixels.
        framing: position and scale of the face in the images.

    Yields:
        The number of finished images, of 2,463: 2,400 of patients, 63 of non-patients.
    """
    images = _SetWriter(folder, "vp-patients", size, framing)
    pairs, done = [], 0
    for k in range(PATIENTS + FURTHER):
        training = k < PATIENTS
        subject = sample((_PATIENTS_FROM + k) if training else (_FURTHER_FROM + k - PATIENTS))
        rng = make_rng(Stream.PATIENTS_PALSY, k)
        side = Side.LEFT if rng.random() < 0.5 else Side.RIGHT
        palsy = random_palsy(rng, side)
        other = sample(_NON_PATIENTS_FROM + k)
        identity = f"non-patients/{k:04d}.png"
        view = random_view(rng, size, framing)
        images.render(identity, other, Movement.REST, Palsy.none(), 1.0, view)
        done += 1
        for movement in YANAGIHARA:
            for number in range(IMAGES if training else 1):
                place = "patients" if training else "further"
                name = f"{place}/{k:04d}/{movement.value}-{number:02d}.png"
                own_view = random_view(rng, size, framing)
                intensity = float(rng.uniform(0.8, 1.1))
                split = "train" if training else "test"
                images.render(name, subject, movement, palsy, intensity, own_view, split)
                done += 1
                if number == 0:
                    pairs.append(
                        Pair(
                            f"{k:04d}-{movement.value}.png",
                            identity,
                            name,
                            "",
                            _name(subject),
                            movement.value,
                            json.dumps(palsy.to_dict()),
                            f"{place}/{k:04d}/rest-00.png",
                            subject.gender,
                            subject.ethnicity,
                        )
                    )
                yield done
    images.finish(pairs)


def london_smile(
    folder: Path, photographs: Path, size: int = 112, framing: Framing = RECOGNISER
) -> Iterator[int]:
    """Makes london-smile from the 16 test people of the Face Research Lab London Set.

    Identity A neutral, expression B smiling, truth A smiling, for every ordered pair of two
    people. The set shows photographs of real people and must not be published.

    Args:
        folder: folder of the set.
        photographs: A London-set folder.
        size: side of the images, pixels.
        framing: position and scale of the face in the images.

    Yields:
        The number of finished pairs, of 240.

    Raises:
        InputError: the photographs or their tables cannot be read.
    """
    subjects = read_subjects(photographs, "test")
    writer = _SetWriter(folder, "london-smile", size, framing).writer
    kinds: dict[Expression, str] = {"neutral": "identity", "smiling": "truth"}
    for subject in subjects:
        for kind, place in kinds.items():
            face = read_face(subject.path(kind)).aligned(framing, size)
            file = f"{place}/{subject.name}.png"
            if not writer.has(file):
                movement = Movement.GRIN if kind == "smiling" else Movement.REST
                row = Row(file, subject.name, movement=movement.value, split="test")
                writer.add(face.image, row)
    pairs = []
    healthy = json.dumps(Palsy.none().to_dict())
    for a, b in permutations(subjects, 2):
        pairs.append(
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
        )
        yield len(pairs)
    writer.finish(sorted({f for p in pairs for f in (p.identity, p.truth)}))
    write_pairs(folder / "pairs.csv", pairs)


SETS: dict[str, tuple[Callable[..., Iterator[int]], int]] = {
    "vp-transfer": (vp_transfer, IDENTITIES * len(YANAGIHARA)),
    "vp-patients": (
        vp_patients,
        (PATIENTS * IMAGES + FURTHER) * len(YANAGIHARA) + PATIENTS + FURTHER,
    ),
    "london-smile": (london_smile, 240),
}
"""Name -> generator that makes the set, and the last number that it yields."""


class _SetWriter:
    """Writes the images of a set, skipping those that exist, then its manifest and pairs."""

    def __init__(self, folder: Path, name: str, size: int, framing: Framing) -> None:
        plan = {"benchmark": name, "size": size, "framing": framing.name}
        self.folder, self.names = folder, list[str]()
        self.writer = DatasetWriter(folder, {**plan, "version": palsynth.__version__})

    def render(
        self,
        name: str,
        subject: Subject,
        movement: Movement,
        palsy: Palsy,
        intensity: float,
        view: View,
        split: str = "test",
    ) -> None:
        """Writes one image of a subject, with its row of the manifest."""
        self.names.append(name)
        if self.writer.has(name):
            return
        portrait = render(subject, movement, palsy, intensity=intensity, view=view)
        weak = palsy.weak_side
        row = Row(
            name,
            _name(subject),
            movement=movement.value,
            side=weak.value if weak else None,
            hb_grade=house_brackmann(palsy).value,
            yanagihara_item=item_score(palsy, movement),
            palsy=palsy.to_dict(),
            split=split,
            provenance={
                "method": "subjects",
                "weights_sha256": None,
                "seed": subject.seed,
                "identity": _name(subject),
                "expression": movement.value,
                "version": palsynth.__version__,
            },
            attributes={
                "age": subject.age,
                "gender": subject.gender,
                "ethnicity": subject.ethnicity,
            },
        )
        self.writer.add(portrait.image, row)

    def finish(self, pairs: list[Pair]) -> None:
        """Writes the manifest and the pairs."""
        self.writer.finish(self.names)
        write_pairs(self.folder / "pairs.csv", pairs)


def _name(subject: Subject) -> str:
    return f"person-{subject.seed:07d}"
