"""Training pairs of a method that carries expressions over: a request with its true answer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from palsynth.data.examples import shuffled
from palsynth.data.groups import MEMBERS, SCRIPTS, CachedGroups
from palsynth.seeds import Stream, make_rng


@dataclass(frozen=True)
class PairExample:
    """One request with its answer: pictures (S, S, 3) uint8 RGB of the ``identity`` at rest, the
    ``expression``, the ``target``, and the simulator's ``draft``; labels of what is shown."""

    identity: np.ndarray
    expression: np.ndarray
    target: np.ndarray
    draft: np.ndarray
    movement: int
    function: np.ndarray
    tone: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """The fields by name, for a batch."""
        return {name: np.asarray(getattr(self, name)) for name in self.__dataclass_fields__}

    def mirrored(self) -> PairExample:
        """The pair as a mirror shows it: left and right change places."""
        identity, expression, target, draft = (
            np.ascontiguousarray(image[:, ::-1])
            for image in (self.identity, self.expression, self.target, self.draft)
        )
        return PairExample(identity, expression, target, draft, self.movement,
                           self.function[::-1].copy(), self.tone[::-1].copy())  # fmt: skip


@dataclass(frozen=True)
class PairsSource:
    """Training pairs without end, from groups: ``crossed`` shows another person's expression, as
    at synthesis; else, as the paper trains, the expression image is the target itself and the
    identity image another picture of the same person. Pictures are reduced to ``size``."""

    groups: CachedGroups
    crossed: bool = True
    size: int = 112
    mirror: float = 0.5
    seed: int = 0

    @property
    def num_subjects(self) -> int | None:
        """Not counted."""
        return None

    def __getitem__(self, number: int) -> PairExample:
        group = self.groups[shuffled(number, self.groups.count, self.seed, Stream.PAIRS_ORDER)]
        rng = make_rng(self.seed, number, Stream.PAIR)
        member, script = int(rng.integers(MEMBERS)), int(rng.integers(SCRIPTS))
        if self.crossed:
            other = (member + int(rng.integers(1, MEMBERS))) % MEMBERS
            pair = pair_of(group, member, script, other, self.size)
        else:
            own = [*group["moved"][member], group["rest"][member]]
            identity = own[(script + int(rng.integers(1, len(own)))) % len(own)]
            pair = replace(pair_of(group, member, script, member, self.size),
                           identity=_sized(identity, self.size))  # fmt: skip
        return pair.mirrored() if rng.random() < self.mirror else pair


def pair_of(group: np.ndarray, member: int, script: int, other: int, size: int) -> PairExample:
    """The pair in which member ``member`` of a group is asked for what ``other`` shows. A draft comes
    from another's picture, so somebody who is to repeat an own one gets that of the next."""
    place = (other - member - 1) % MEMBERS if other != member else 0
    return PairExample(
        _sized(group["rest"][member], size),
        _sized(group["moved"][other, script], size),
        _sized(group["moved"][member, script], size),
        _sized(group["draft"][member, place, script], size),
        int(group["movement"][script]),
        np.array(group["function"][script]),
        np.array(group["tone"][script]),
    )


def _sized(image: np.ndarray, size: int) -> np.ndarray:
    if image.shape[0] == size:
        return np.array(image)
    return cv2.resize(np.array(image), (size, size), interpolation=cv2.INTER_AREA)
