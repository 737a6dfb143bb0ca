"""Training pairs of a method that transfers expressions: a request with its target."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from palsynth.data.examples import shuffled
from palsynth.data.groups import MEMBERS, SCRIPTS, CachedGroups
from palsynth.seeds import Stream, make_rng


@dataclass(frozen=True)
class PairExample:
    """One request with its target. Pictures are (S, S, 3) uint8 RGB.

    Attributes:
        identity: the identity image.
        expression: the expression image.
        target: the ground truth.
        draft: the simulator's rendering of the request.
        movement: index into MOVEMENTS.
        function: (2, 5) float32 function of each branch on the patient's left and right, 0 to 1.
        tone: (2,) float32 tone of the left and right, 0 to 1.
    """

    identity: np.ndarray
    expression: np.ndarray
    target: np.ndarray
    draft: np.ndarray
    movement: int
    function: np.ndarray
    tone: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """The fields by name, for :func:`palsynth.data.examples.stack`."""
        return {name: np.asarray(getattr(self, name)) for name in self.__dataclass_fields__}

    def mirrored(self) -> PairExample:
        """The mirrored pair, left and right exchanged in the labels."""
        identity, expression, target, draft = (
            np.ascontiguousarray(image[:, ::-1])
            for image in (self.identity, self.expression, self.target, self.draft)
        )
        return PairExample(
            identity,
            expression,
            target,
            draft,
            self.movement,
            self.function[::-1].copy(),
            self.tone[::-1].copy(),
        )


@dataclass(frozen=True)
class PairsSource:
    """An unbounded source of training pairs from groups.

    Attributes:
        groups: the groups.
        crossed: the expression image is of another member, as at synthesis. Otherwise, as in the
            paper's training, it is the target itself, and the identity image is another picture
            of the same member.
        size: image side in pixels, at most that of the groups.
        mirror: share of pairs mirrored.
        seed: seed of the pairs.
    """

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
            pair = make_pair(group, member, script, other, self.size)
        else:
            pictures = [*group["moved"][member], group["rest"][member]]
            identity = pictures[(script + int(rng.integers(1, len(pictures)))) % len(pictures)]
            pair = replace(
                make_pair(group, member, script, member, self.size),
                identity=_resized(identity, self.size),
            )
        return pair.mirrored() if rng.random() < self.mirror else pair


def make_pair(group: np.ndarray, member: int, script: int, other: int, size: int) -> PairExample:
    """The pair in which a member of a group takes on the expression of another.

    Args:
        group: a record of :func:`palsynth.data.groups.group_type`.
        member: index of the member that gives the identity and the target.
        script: index of the script.
        other: index of the member that gives the expression. Drafts come from another member's
            picture, so where ``other`` equals ``member`` the draft is that of the next member.
        size: image side in pixels; larger images are reduced.

    Returns:
        The pair.
    """
    source = (other - member - 1) % MEMBERS if other != member else 0
    return PairExample(
        _resized(group["rest"][member], size),
        _resized(group["moved"][other, script], size),
        _resized(group["moved"][member, script], size),
        _resized(group["draft"][member, source, script], size),
        int(group["movement"][script]),
        np.array(group["function"][script]),
        np.array(group["tone"][script]),
    )


def _resized(image: np.ndarray, size: int) -> np.ndarray:
    if image.shape[0] == size:
        return np.array(image)
    return cv2.resize(np.array(image), (size, size), interpolation=cv2.INTER_AREA)
