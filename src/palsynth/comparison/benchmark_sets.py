"""Benchmark sets: who should show what, with the true answer, the same bytes everywhere.

A set is a dataset folder and ``pairs.csv``: one row a request, naming the identity image, the
expression image, the truth, and what was asked.
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
    """50 people as identities x 10 movements, each with a palsy of its own; the expression images
    show 50 others, the truth the identity's person in the identity image's pose and light.

    Yields the number of finished pairs, of 500.
    """
    album = _Album(folder, "vp-transfer", size, framing)
    pairs = []
    for k in range(IDENTITIES):
        subject = sample(EVALUATION_SEEDS + k)
        other = sample(_EXPRESSIONS_FROM + k)
        view = random_view(make_rng(Stream.TRANSFER_IDENTITY_VIEW, k), size, framing)
        identity, theirs = f"identity/{k:04d}.png", f"expression/{k:04d}-identity.png"
        album.draw(identity, subject, Movement.REST, Palsy.none(), 1.0, view)
        still = random_view(make_rng(Stream.TRANSFER_EXPRESSION_VIEW, k), size, framing)
        album.draw(theirs, other, Movement.REST, Palsy.none(), 1.0, still)
        for j, movement in enumerate(YANAGIHARA):
            rng = make_rng(Stream.TRANSFER_EXPRESSION, k, j)
            side = Side.LEFT if rng.random() < 0.5 else Side.RIGHT
            palsy, effort = random_palsy(rng, side, healthy=0.1), float(rng.uniform(0.9, 1.1))
            name = f"{k:04d}-{movement.value}.png"
            own = random_view(rng, size, framing)
            album.draw(f"expression/{name}", other, movement, palsy, effort, own)
            album.draw(f"truth/{name}", subject, movement, palsy, effort, view)
            pairs.append(
                Pair(name, identity, f"expression/{name}", f"truth/{name}", _name(subject),
                     movement.value, json.dumps(palsy.to_dict()), theirs, subject.gender,
                     subject.ethnicity)
            )  # fmt: skip
            yield len(pairs)
    album.finish(pairs)


def vp_patients(folder: Path, size: int = 128, framing: Framing = PORTRAIT) -> Iterator[int]:
    """3 virtual patients x 10 movements x 60 images, as in the ControlNet paper, and 60 further
    patients with ten movements each; every pair has a non-patient of its own, at rest. The 3 are
    the set's train split: a ControlNet is tuned on them.

    Pairs are the images of the further patients and the first of each training patient's
    movements; there is no truth. Yields the number of finished pictures, of 2,520.
    """
    album = _Album(folder, "vp-patients", size, framing)
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
        album.draw(identity, other, Movement.REST, Palsy.none(), 1.0, view)
        done += 1
        for movement in YANAGIHARA:
            for number in range(IMAGES if training else 1):
                place = "patients" if training else "further"
                name = f"{place}/{k:04d}/{movement.value}-{number:02d}.png"
                own = random_view(rng, size, framing)
                effort = float(rng.uniform(0.8, 1.1))
                split = "train" if training else "test"
                album.draw(name, subject, movement, palsy, effort, own, split)
                done += 1
                if number == 0:
                    pairs.append(
                        Pair(f"{k:04d}-{movement.value}.png", identity, name, "", _name(subject),
                             movement.value, json.dumps(palsy.to_dict()),
                             f"{place}/{k:04d}/rest-00.png", subject.gender, subject.ethnicity)
                    )  # fmt: skip
                yield done
    album.finish(pairs)


def london_smile(
    folder: Path, photographs: Path, size: int = 112, framing: Framing = RECOGNISER
) -> Iterator[int]:
    """The 16 test people of a London-set folder: identity A neutral, expression B smiling, truth
    A smiling, for every A and every other B. The folder must not be published.

    Yields the number of finished pairs, of 240.
    """
    subjects = read_subjects(photographs, "test")
    writer = _Album(folder, "london-smile", size, framing).writer
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
            Pair(f"{a.name}-{b.name}.png", f"identity/{a.name}.png", f"truth/{b.name}.png",
                 f"truth/{a.name}.png", a.name, Movement.GRIN.value, healthy,
                 f"identity/{b.name}.png", a.gender, a.ethnicity)
        )  # fmt: skip
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
"""Name -> what makes the set, and how far it counts."""


class _Album:
    """The pictures of a set under way: drawn where they are missing, named for the end."""

    def __init__(self, folder: Path, name: str, size: int, framing: Framing) -> None:
        plan = {"benchmark": name, "size": size, "framing": framing.name}
        self.folder, self.names = folder, list[str]()
        self.writer = DatasetWriter(folder, {**plan, "version": palsynth.__version__})

    def draw(
        self, name: str, subject: Subject, movement: Movement, palsy: Palsy, effort: float,
        view: View, split: str = "test",
    ) -> None:  # fmt: skip
        """One picture of a person, with its row."""
        self.names.append(name)
        if self.writer.has(name):
            return
        portrait = render(subject, movement, palsy, intensity=effort, view=view)
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
            provenance={"method": "subjects", "weights_sha256": None, "seed": subject.seed,
                        "identity": _name(subject), "expression": movement.value,
                        "version": palsynth.__version__},
            attributes={"age": subject.age, "gender": subject.gender, "ethnicity": subject.ethnicity},
        )  # fmt: skip
        self.writer.add(portrait.image, row)

    def finish(self, pairs: list[Pair]) -> None:
        """The manifest and the pairs."""
        self.writer.finish(self.names)
        write_pairs(self.folder / "pairs.csv", pairs)


def _name(subject: Subject) -> str:
    return f"person-{subject.seed:07d}"
