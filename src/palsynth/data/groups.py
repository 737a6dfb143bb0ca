"""Groups of people who do the same things, from which training pairs with true answers are made.

Everybody in a group is pictured at rest and doing each of the group's scripts (a movement with a
palsy), all in one view of their own. So anybody's moved picture is the expression image for all
others, and the true answer of their own: G people with S scripts give G (G - 1) S pairs from
G (1 + S) pictures. Beside them lies what the simulator makes of each pair, as it captures the
expression: the draft that a method may start from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

from palsynth.clinical import YANAGIHARA, Branch, Movement, Muscle, Palsy, Side, SidePalsy
from palsynth.data.cache import ShardedCache
from palsynth.data.drafts import make_drafts
from palsynth.data.examples import labels
from palsynth.data.half_smiles import half_smile, pair_up
from palsynth.data.synthetic_source import PhotographsSource
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER, Framing
from palsynth.seeds import Stream, make_rng
from palsynth.simulator.photo import simulate
from palsynth.subjects import EVALUATION_SEEDS, View, random_palsy, random_view, render, sample

MEMBERS, SCRIPTS = 4, 3
PART = 25
"""Groups a file."""


SHARES = (0.25, 1.0)
"""Between how little and how much of a photographed half-smile its weak side lacks."""


class Script(NamedTuple):
    """What a group does: ``effort`` scales the movement."""

    movement: Movement
    palsy: Palsy
    effort: float


@dataclass(frozen=True)
class GroupsSource:
    """Groups by number, each a pure function of it.

    ``num_subjects`` from ``first`` on; with ``photographs`` (a London-set folder) a share ``mixed`` of
    the groups is half photographed train people, moved by the simulator, whose real smiles are
    the answer where the script is a healthy grin, and a share ``smiling`` is photographed people
    alone, who smile and half-smile in photographs: what no simulator drew. Pictures are ``size``
    px, recogniser framing.
    """

    first: int = 0
    num_subjects: int = 4000
    photographs: Path | None = None
    mixed: float = 0.35
    smiling: float = 0.0
    size: int = 112
    healthy: float = 0.12
    seed: int = 0

    def __post_init__(self) -> None:
        if self.first < 0 or self.num_subjects < MEMBERS:
            raise InputError(
                f"subjects {self.num_subjects} from {self.first}: a group needs {MEMBERS}"
            )
        if self.first + self.num_subjects > EVALUATION_SEEDS:
            raise InputError(
                f"subjects {self.first} to {self.first + self.num_subjects - 1}: seeds from "
                f"{EVALUATION_SEEDS:,} on are for evaluation; nothing trains on them"
            )

    @cached_property
    def _photographed(self) -> PhotographsSource | None:
        return None if self.photographs is None else PhotographsSource(self.photographs, self.size)

    def __getitem__(self, number: int) -> np.ndarray:
        """A group as one record of :func:`group_type`."""
        rng = make_rng(self.seed, number, Stream.GROUP_SCRIPTS)
        scripts = [_random_script(rng, self.healthy) for _ in range(SCRIPTS)]
        kind = 1.0 if self._photographed is None else rng.random()
        smiling, mixed = kind < self.smiling, self.smiling <= kind < self.smiling + self.mixed
        if smiling:
            scripts = _half_smiling(rng)
        elif mixed:
            scripts[0] = Script(Movement.GRIN, Palsy.none(), float(rng.uniform(0.85, 1.1)))
        out = np.zeros((), group_type(self.size))
        for s, script in enumerate(scripts):
            known = labels(script.movement, script.palsy)
            out["movement"][s] = known["movement"]
            out["function"][s], out["tone"][s] = known["function"], known["tone"]
        rests = []
        for member in range(MEMBERS):
            own = make_rng(self.seed, number, Stream.GROUP_MEMBER, member)
            if smiling:
                rest, moved = self._smiler(own, scripts)
            elif mixed and member < MEMBERS // 2:
                rest, moved = self._photograph(own, scripts)
            else:
                rest, moved = self._person(own, scripts)
            out["rest"][member] = rest.image
            out["moved"][member] = moved
            rests.append(rest)
        out["draft"] = make_drafts(
            rests, out["moved"], make_rng(self.seed, number, Stream.GROUP_DRAFTS)
        )
        return out

    def _person(
        self, rng: np.random.Generator, scripts: list[Script]
    ) -> tuple[Face, list[np.ndarray]]:
        subject = sample(self.first + int(rng.integers(self.num_subjects)))
        view = random_view(rng, self.size, RECOGNISER)

        def drawn(script: Script, view: View) -> tuple[np.ndarray, np.ndarray]:
            portrait = render(subject, script.movement, script.palsy, intensity=script.effort,
                              view=view)  # fmt: skip
            return portrait.image, portrait.landmarks

        image, points = drawn(Script(Movement.REST, Palsy.none(), 1.0), view)
        depth = subject.landmarks[:, 2:] * RECOGNISER.scale(self.size)
        face = Face(image, np.hstack([points, depth]).astype(np.float32))
        return face, [drawn(script, view)[0] for script in scripts]

    def _photograph(
        self, rng: np.random.Generator, scripts: list[Script]
    ) -> tuple[Face, list[np.ndarray]]:
        assert self._photographed is not None
        source = self._photographed
        name = source.names[int(rng.integers(source.num_subjects))]
        framing = _jittered_framing(rng)
        face = source.face(name, "neutral").aligned(framing, self.size)
        moved = []
        for script in scripts:
            if script.movement is Movement.GRIN and script.palsy == Palsy.none():
                moved.append(source.face(name, "smiling").aligned(framing, self.size).image)
            else:
                made = simulate(face, script.movement, script.palsy, intensity=script.effort)
                moved.append(made.image)
        return face, moved

    def _smiler(
        self, rng: np.random.Generator, scripts: list[Script]
    ) -> tuple[Face, list[np.ndarray]]:
        """A photographed person whose smiles, whole and halved, are the answers."""
        assert self._photographed is not None
        source = self._photographed
        name = source.names[int(rng.integers(source.num_subjects))]
        rest, smile = (source.face(name, kind) for kind in ("neutral", "smiling"))
        subject = pair_up(name, rest, smile, self.size, _jittered_framing(rng))
        moved = []
        for script in scripts:
            weak = script.palsy.weak_side
            if weak is None:
                moved.append(subject.smile.image)
            else:
                lacks = 1 - script.palsy.of(weak).strength(Muscle.ZYGOMATICUS)
                moved.append(half_smile(subject, weak, lacks))
        return subject.rest, moved


def _jittered_framing(rng: np.random.Generator) -> Framing:
    return Framing("crop", RECOGNISER.outer_eyes * rng.normal(1, 0.02),
                   RECOGNISER.eye_line + rng.normal(0, 0.008))  # fmt: skip


def _half_smiling(rng: np.random.Generator) -> list[Script]:
    """A whole smile, and one that lacks more or less of each side."""
    lacks = rng.uniform(*SHARES, 2)
    halves = [
        Palsy.on(side, SidePalsy(dict.fromkeys(Branch, 1 - float(share)), tone=1.0))
        for side, share in zip(Side, lacks, strict=True)
    ]
    return [Script(Movement.GRIN, palsy, 1.0) for palsy in (Palsy.none(), *halves)]


def _random_script(rng: np.random.Generator, healthy: float) -> Script:
    movement = YANAGIHARA[int(rng.integers(len(YANAGIHARA)))]
    side = Side.LEFT if rng.random() < 0.5 else Side.RIGHT
    return Script(movement, random_palsy(rng, side, healthy), float(rng.uniform(0.85, 1.1)))


def group_type(size: int) -> np.dtype:
    """A group as it is kept: pictures (size, size, 3) uint8 RGB, labels as in an Example. Drafts
    are of a member, by whose picture they come from (the next member first) and script."""
    picture = ("u1", (size, size, 3))
    return np.dtype([
        ("rest", picture[0], (MEMBERS, *picture[1])),
        ("moved", picture[0], (MEMBERS, SCRIPTS, *picture[1])),
        ("draft", picture[0], (MEMBERS, MEMBERS - 1, SCRIPTS, *picture[1])),
        ("movement", "i4", (SCRIPTS,)),
        ("function", "f4", (SCRIPTS, 2, 5)),
        ("tone", "f4", (SCRIPTS, 2)),
    ])  # fmt: skip


@dataclass(frozen=True)
class CachedGroups(ShardedCache):
    """The first ``count`` groups of a source, drawn once into ``folder``.

    Refuses a folder that holds groups of another source.
    """

    what: ClassVar[str] = "groups"
    record_file: ClassVar[str] = "groups.json"
    stem: ClassVar[str] = "groups"
    part: ClassVar[int] = PART

    source: GroupsSource
    folder: Path
    count: int
    uncached: bool = False

    def records(self, numbers: Sequence[int]) -> np.ndarray:
        """Some groups, drawn."""
        return np.stack([self.source[n] for n in numbers])

    def __getitem__(self, number: int) -> np.ndarray:
        return self.record(number)
