"""Groups of subjects with the same expressions: training pairs with known targets.

Every member of a group is rendered at rest and with each of the group's scripts (a movement with a
palsy), in one view of the member's own. The picture of a member with a script is thus the
expression image for all other members, and the target for the member itself: G members with S
scripts give G (G - 1) S pairs from G (1 + S) pictures. With each pair comes the simulator's
rendering of it from the captured expression: the draft that a method may start from.
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
from palsynth.settings import FiniteNumbers
from palsynth.simulator.photo import simulate
from palsynth.subjects import (
    EVALUATION_SEEDS,
    Portrait,
    random_palsy,
    random_view,
    render,
    sample,
)

MEMBERS, SCRIPTS = 4, 3
"""Members and scripts per group."""

PART = 25
"""Groups per shard."""

SHARES = (0.25, 1.0)
"""Range of the share of the smile that the weak side of a photographed half-smile lacks."""


class Script(NamedTuple):
    """An expression of all members of a group; ``effort`` scales the movement."""

    movement: Movement
    palsy: Palsy
    effort: float


@dataclass(frozen=True)
class GroupsSource(FiniteNumbers):
    """Groups by number, each a pure function of it, in recogniser framing.

    Attributes:
        first: seed of the first synthetic subject.
        num_subjects: number of synthetic subjects.
        photographs: folder of the London set, for groups with photographed people of its train
            split; default: none.
        mixed: share of groups of which half the members are photographed people. The simulator
            moves them, except that a healthy grin is their photographed smile.
        smiling: share of groups with photographed people only, their smiles and photographed
            half-smiles: expressions that come from no simulator.
        size: image side in pixels.
        healthy: share of scripts without palsy.
        seed: seed of the groups.
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
        super().__post_init__()
        if self.first < 0 or self.num_subjects < MEMBERS:
            raise InputError(
                f"subjects {self.num_subjects} from {self.first}: a group needs {MEMBERS}"
            )
        if self.first + self.num_subjects > EVALUATION_SEEDS:
            raise InputError(
                f"subjects {self.first} to {self.first + self.num_subjects - 1}: seeds from "
                f"{EVALUATION_SEEDS:,} on are for evaluation and must not be trained on"
            )

    def check(self) -> None:
        """Checks the folder of photographs, if there is one, before anything that takes long.

        Raises:
            InputError: a table cannot be read, or a photograph is missing.
        """
        if self._photographed is not None:
            self._photographed.check()

    @cached_property
    def _photographed(self) -> PhotographsSource | None:
        return None if self.photographs is None else PhotographsSource(self.photographs, self.size)

    def __getitem__(self, number: int) -> np.ndarray:
        """The group with a number, as one record of :func:`group_type`."""
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
            fields = labels(script.movement, script.palsy)
            out["movement"][s] = fields["movement"]
            out["function"][s], out["tone"][s] = fields["function"], fields["tone"]
        rests = []
        for member in range(MEMBERS):
            member_rng = make_rng(self.seed, number, Stream.GROUP_MEMBER, member)
            if smiling:
                rest, moved = self._smiling_photographs(member_rng, scripts)
            elif mixed and member < MEMBERS // 2:
                rest, moved = self._simulated_photograph(member_rng, scripts)
            else:
                rest, moved = self._synthetic(member_rng, scripts)
            out["rest"][member] = rest.image
            out["moved"][member] = moved
            rests.append(rest)
        out["draft"] = make_drafts(
            rests, out["moved"], make_rng(self.seed, number, Stream.GROUP_DRAFTS)
        )
        return out

    def _synthetic(
        self, rng: np.random.Generator, scripts: list[Script]
    ) -> tuple[Face, list[np.ndarray]]:
        """A synthetic subject: its face at rest, and its picture of each script."""
        subject = sample(self.first + int(rng.integers(self.num_subjects)))
        view = random_view(rng, self.size, RECOGNISER)

        def portrait(script: Script) -> Portrait:
            return render(
                subject, script.movement, script.palsy, intensity=script.effort, view=view
            )

        rest = portrait(Script(Movement.REST, Palsy.none(), 1.0))
        depth = subject.landmarks[:, 2:] * RECOGNISER.scale(self.size)
        face = Face(rest.image, np.hstack([rest.landmarks, depth]).astype(np.float32))
        return face, [portrait(script).image for script in scripts]

    def _simulated_photograph(
        self, rng: np.random.Generator, scripts: list[Script]
    ) -> tuple[Face, list[np.ndarray]]:
        """A photographed person moved by the simulator, or smiling where the grin is healthy."""
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
                simulated = simulate(face, script.movement, script.palsy, intensity=script.effort)
                moved.append(simulated.image)
        return face, moved

    def _smiling_photographs(
        self, rng: np.random.Generator, scripts: list[Script]
    ) -> tuple[Face, list[np.ndarray]]:
        """A photographed person whose smiles, whole and one-sided, are the targets."""
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
    return Framing(
        "crop",
        RECOGNISER.outer_eyes * rng.normal(1, 0.02),
        RECOGNISER.eye_line + rng.normal(0, 0.008),
    )


def _half_smiling(rng: np.random.Generator) -> list[Script]:
    """A symmetric smile, and one weak on each side."""
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
    """The record type of a cached group.

    Args:
        size: image side in pixels.

    Returns:
        A structured type. Images are uint8 RGB: ``rest`` (member), ``moved`` (member, script) and
        ``draft`` (member, source of the expression with the next member first, script). The labels
        ``movement``, ``function`` and ``tone`` are those of an Example, by script.
    """
    image = (size, size, 3)
    return np.dtype(
        [
            ("rest", "u1", (MEMBERS, *image)),
            ("moved", "u1", (MEMBERS, SCRIPTS, *image)),
            ("draft", "u1", (MEMBERS, MEMBERS - 1, SCRIPTS, *image)),
            ("movement", "i4", (SCRIPTS,)),
            ("function", "f4", (SCRIPTS, 2, 5)),
            ("tone", "f4", (SCRIPTS, 2)),
        ]
    )


@dataclass(frozen=True)
class CachedGroups(ShardedCache):
    """The first ``count`` groups of a source, generated once and cached in ``folder``.

    A folder that holds groups of another source is refused.

    Attributes:
        source: source of the groups.
        folder: where the shards are cached.
        count: number of groups.
        uncached: generate each group on access and write no shard.
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
        """Generates the groups with the given numbers."""
        return np.stack([self.source[n] for n in numbers])

    def __getitem__(self, number: int) -> np.ndarray:
        return self.record(number)
