"""The ledger of random streams: every place that draws numbers names its stream here.

Randomness is a pure function of a seed, of what is being made (the number of an example, of a
subject, of a picture) and of the stream. Two streams of one seed share nothing, because numpy's
SeedSequence mixes all the numbers.

A value never changes once something has been made with it: another value would draw other
pictures from the same seed. A new stream takes a new value.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What is drawn, by name. The comments say which numbers stand beside a stream.

    Streams that share a value never meet: different numbers stand beside them, or they belong to
    trainings that have no data in common. Their values stay, so that a recipe keeps its pictures.
    """

    # subjects: (the subject's seed, stream)
    SUBJECT_ATTRIBUTES = 0
    SUBJECT_SKIN = 1
    SUBJECT_BACKDROP = 2
    SUBJECT_CAP = 3
    SUBJECT_CLOTHES = 4

    # a camera: (the jitter's seed, stream)
    CAMERA_NOISE = 5

    # sources of pictures: (seed, example, stream), for an order (seed, round, stream)
    SYNTHETIC_ORDER = 1
    SYNTHETIC_PICTURE = 2
    PHOTOGRAPHS_ORDER = 3
    PHOTOGRAPHS_PICTURE = 4
    FOLDER_ORDER = 5
    CACHE_ORDER = 6
    MIXTURE = 7
    AUGMENTATION = 8

    # benchmark sets: (stream, subject), (stream, subject, movement)
    TRANSFER_IDENTITY_VIEW = 11
    TRANSFER_EXPRESSION = 12
    PATIENTS_PALSY = 13
    TRANSFER_EXPRESSION_VIEW = 14

    # requests and exports: (seed, stream), (seed, subject, image, stream)
    NOISE_IMAGE = 17
    EXPORT_IMAGE = 17

    # a study: (seed, stream), for a rater's order (seed, rater, stream)
    STUDY_PAIRS = 20
    STUDY_ITEMS = 21
    STUDY_RATER_ORDER = 22

    # training pairs: (seed, group, stream), for members (seed, group, stream, member)
    GROUP_SCRIPTS = 31
    GROUP_MEMBER = 32
    PAIRS_ORDER = 33
    PAIR = 34
    GROUP_DRAFTS = 35
    FOLDER_PAIRS_ORDER = 35
    FOLDER_PAIR = 36

    # a small Stable Diffusion and a ControlNet: (seed, picture, stream), (seed, round, stream)
    HEALTHY_PICTURE = 41
    CONTROLNET_ORDER = 42
    HELD_OUT_PATIENTS = 43

    # a reader's features: (seed, round, stream)
    FEATURES_ORDER = 43

    # calibration: (the subject's seed, stream), (photograph, sample, movement, stream)
    CALIBRATION_REST_VIEW = 7
    CALIBRATION_PHOTOGRAPH = 9


def make_rng(*numbers: int) -> np.random.Generator:
    """A random generator that is a pure function of some numbers and of their order.

    Args:
        numbers: a seed, what is being made, and a :class:`Stream`; whole numbers from 0 on.

    Returns:
        A numpy generator.

    Example:
        >>> make_rng(7, 0, Stream.PAIR).integers(100) == make_rng(7, 0, Stream.PAIR).integers(100)
        True
    """
    return np.random.default_rng([int(number) for number in numbers])
