"""The ledger of random streams: all code that generates random numbers names its stream here.

Randomness is a pure function of a seed, of the index of the item being generated (an example, a
subject, a picture) and of the stream. numpy's SeedSequence hashes all the numbers together, so
different sequences are independent, except that zeros at the end count as missing: (3, 7) and
(3, 7, 0) are one. A new stream therefore stands last, and is not 0.

A value never changes once data has been generated with it: another value would give different
pictures for the same seed. A new stream takes a new value.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """The random streams by name. The comments give the other numbers of each seed sequence.

    Streams with the same value belong to code that shares no data, or differ in the other numbers
    of their seed sequences. One pair does meet: calibration draws the palsy of a subject's picture
    k at rest from (subject's seed, k, 0), which is the subject's own stream k. All values are
    fixed, so that seeds reproduce their pictures.
    """

    # subjects: (the subject's seed, stream)
    SUBJECT_ATTRIBUTES = 0
    SUBJECT_SKIN = 1
    SUBJECT_BACKDROP = 2
    SUBJECT_CAP = 3
    SUBJECT_CLOTHES = 4

    # a camera: (the jitter's seed, stream)
    CAMERA_NOISE = 5

    # picture sources: (seed, example, stream); a shuffle: (seed, round, stream)
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

    # requests: (seed, stream); exports of earlier versions had the same value
    NOISE_IMAGE = 17

    # a study: (seed, stream); a rater's order: (seed, rater, stream)
    STUDY_PAIRS = 20
    STUDY_ITEMS = 21
    STUDY_RATER_ORDER = 22

    # training pairs: (seed, group, stream); members: (seed, group, stream, member)
    GROUP_SCRIPTS = 31
    GROUP_MEMBER = 32
    PAIRS_ORDER = 33
    PAIR = 34
    GROUP_DRAFTS = 35
    FOLDER_PAIRS_ORDER = 35
    FOLDER_PAIR = 36

    # training pictures of a plain diffusion model: (seed, round, stream), (seed, picture, stream)
    PICTURES_ORDER = 37
    PICTURE_MIRROR = 38

    # a small Stable Diffusion and a ControlNet: (seed, picture, stream), (seed, round, stream)
    HEALTHY_PICTURE = 41
    CONTROLNET_ORDER = 42
    HELD_OUT_PATIENTS = 43

    # a request that is varied: (seed, stream)
    VARIETY = 51

    # a planned data set: (seed, number, attempt, stream), (seed, movement, turn or round, stream)
    PLANNED_REQUEST = 61
    PLANNED_PALSY = 62
    PLANNED_CELLS = 63
    # (the subject's seed, stream)
    PLANNED_AGE = 64
    # a picture that is taken by a camera: (seed, stream)
    CAMERA_SCENE = 65
    CAMERA_EFFECTS = 66
    # the contact sheet of a data set: (the plan's seed, stream)
    CONTACT_SHEET = 67

    # a movement over time: (seed, stream)
    MOTION_TIMING = 71
    MOTION_BLINKS = 72
    MOTION_SWAY = 73
    MOTION_EFFORT = 74
    # a clip of several movements: (seed, number of the movement, stream)
    CLIP_MOVEMENT = 75

    # a reader's features: (seed, round, stream)
    FEATURES_ORDER = 43

    # people that a model knows: (seed, seed of the subject, picture, stream),
    # (seed, example, stream)
    PERSON_PICTURE = 81
    PEOPLE_ORDER = 82
    # validation of such a model: (the subject's seed, stream)
    PEOPLE_VALIDATION = 83

    # calibration: (the subject's seed, stream), (photograph, sample, movement, stream)
    CALIBRATION_REST_VIEW = 7
    CALIBRATION_PHOTOGRAPH = 9


def make_rng(*numbers: int) -> np.random.Generator:
    """Makes a random generator that is a pure function of some numbers and their order.

    Args:
        numbers: a seed, the index of the item, and a :class:`Stream`; integers, 0 or more.

    Returns:
        A numpy generator.

    Example:
        >>> bool(make_rng(7, 0, Stream.PAIR).random() == make_rng(7, 0, Stream.PAIR).random())
        True
    """
    return np.random.default_rng([int(number) for number in numbers])
