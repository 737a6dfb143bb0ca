"""Colours to sRGB: by a picture's ICC profile, or by the primaries and the curve that it names."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms

from palsynth.errors import InputError

COARSE = 3
"""Largest step between neighbouring grey levels, after conversion, for which 16 bits may be rounded
to 8 before the conversion. Only profiles of linear light have larger ones."""

MAX_GAMMA = 5.0
"""Largest exponent from samples to light that is taken for one."""

_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}
"""Colour space of an ICC profile -> Pillow's mode of the pictures that it describes."""


@dataclass(frozen=True)
class Colours:
    """The colours of a picture that has no ICC profile.

    Attributes:
        primaries: chromaticities x, y of white, red, green and blue, in this order.
        gamma: exponent from the samples to light; None for the curve of sRGB.
    """

    primaries: tuple[float, ...]
    gamma: float | None = None


REC_709 = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
SRGB = Colours(REC_709)
ADOBE_RGB = Colours((0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06), 563 / 256)

_PRIMARIES = {
    1: REC_709,
    2: REC_709,
    9: (0.3127, 0.329, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046),
    12: (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
}
_GAMMAS = {1: None, 2: None, 4: 2.2, 5: 2.8, 6: None, 8: 1.0, 13: None, 14: None, 15: None}
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


def coded_colours(primaries: int, transfer: int) -> Colours:
    """The colours that the code points of ITU-T H.273 name, in a PNG (cICP) or an AVIF (nclx).

    Args:
        primaries: code of the primaries.
        transfer: code of the curve; that of video counts as that of sRGB, as in browsers.

    Returns:
        The colours.

    Raises:
        InputError: the colours are of high dynamic range, or unknown.
    """
    if primaries not in _PRIMARIES or transfer not in _GAMMAS:
        raise InputError(
            f"its colours (H.273 primaries {primaries}, transfer {transfer}) cannot be converted; "
            "save it as sRGB, without high dynamic range"
        )
    return Colours(_PRIMARIES[primaries], _GAMMAS[transfer])


def named_colours(primaries: tuple[float, ...], gamma: float | None) -> Colours:
    """The colours that a PNG names by numbers (cHRM, gAMA).

    Args:
        primaries: as in :class:`Colours`.
        gamma: as in :class:`Colours`.

    Returns:
        The colours.

    Raises:
        InputError: no screen or camera has such colours.
    """
    x, y = np.array(primaries).reshape(4, 2).T
    area = np.linalg.det(np.stack([x[1:], y[1:], np.ones(3)]))
    odd = y.min() <= 0 or max(x.max(), y.max()) > 1 or abs(area) < 0.01
    if odd or (gamma is not None and not 1 / MAX_GAMMA <= gamma <= MAX_GAMMA):
        raise InputError("names colours that cannot be (cHRM, gAMA); save it as sRGB")
    return Colours(primaries, gamma)


def encode(light: np.ndarray) -> np.ndarray:
    """Light to the samples of sRGB.

    Args:
        light: any shape, 0 … 1.

    Returns:
        Samples of the same shape, 0 … 1.
    """
    return np.where(
        light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055
    )


def _decode(samples: np.ndarray) -> np.ndarray:
    return np.where(samples <= 0.04045, samples / 12.92, ((samples + 0.055) / 1.055) ** 2.4)


def by_curve(image: Image.Image, gamma: float | None) -> Image.Image:
    """Samples of a gamma to those of the curve of sRGB.

    Args:
        image: the picture, of mode L or RGB.
        gamma: exponent from the samples to light; None for the curve of sRGB.

    Returns:
        The picture in the same mode.
    """
    if gamma is None:
        return image
    curve = np.rint(255 * encode((np.arange(256) / 255) ** gamma)).astype(int).tolist()
    return image.point(curve * len(image.getbands()))


def by_primaries(image: Image.Image, primaries: tuple[float, ...]) -> Image.Image:
    """Colours of some primaries to those of sRGB, white to white.

    Args:
        image: the picture, of mode RGB with the curve of sRGB.
        primaries: as in :class:`Colours`.

    Returns:
        The picture, of mode RGB; colours that sRGB does not have become the nearest by channel.
    """
    matrix = np.linalg.inv(_to_xyz(REC_709)) @ _to_xyz(primaries)
    if np.abs(matrix - np.eye(3)).max() < 0.005:  # one grey level
        return image
    light = _decode(np.arange(256) / 255).astype(np.float32)[np.asarray(image)]
    light = np.clip(light @ matrix.T.astype(np.float32), 0, 1)
    return Image.fromarray(np.rint(255 * encode(light)).astype(np.uint8))


def _to_xyz(primaries: tuple[float, ...]) -> np.ndarray:
    """Matrix (3, 3) from light to XYZ, adapted to the white of sRGB (Bradford)."""
    x, y = np.array(primaries).reshape(4, 2).T
    white, *colours = np.stack([x / y, np.ones(4), (1 - x - y) / y], 1)
    matrix = np.stack(colours, 1)
    matrix = matrix * np.linalg.solve(matrix, white)
    target = np.array([REC_709[0], REC_709[1], 1 - REC_709[0] - REC_709[1]]) / REC_709[1]
    adapt = np.diag((_BRADFORD @ target) / (_BRADFORD @ white))
    return np.asarray(np.linalg.inv(_BRADFORD) @ adapt @ _BRADFORD @ matrix)


def by_profile(image: Image.Image, profile: bytes, *, rounded: bool = False) -> Image.Image:
    """Colours of an ICC profile to sRGB: relative colorimetric, black to black.

    A profile that moves no colour by more than one level is sRGB, and changes nothing.

    Args:
        image: the picture, of mode L, RGB, CMYK or LAB.
        profile: the ICC profile.
        rounded: the picture had more than 8 bits and was rounded.

    Returns:
        The picture, of mode RGB.

    Raises:
        InputError: the profile is of linear light, and the picture was rounded.
        ValueError: the profile is damaged or one of other pictures; the message says which.
    """
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        if image.mode == "L" and space == "RGB":
            image = image.convert("RGB")
        if _MODES.get(space) != image.mode:
            raise ValueError(f"is for {space}, and the picture is {image.mode}")
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            image.mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, TypeError) as error:
        raise ValueError(f"is damaged ({error})") from None
    if image.mode in ("L", "RGB"):
        ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None]).convert(image.mode)
        steps = np.diff(np.asarray(transform.apply(ramp)).astype(int), axis=1)
        if rounded and steps.max() > COARSE:
            raise InputError(
                "has more than 8 bits in a colour profile of linear light; save it as sRGB"
            )
        probe = _probe().convert(image.mode)
        moved = np.asarray(transform.apply(probe)).astype(int) - np.asarray(probe.convert("RGB"))
        if np.abs(moved).max() <= 1:
            return image.convert("RGB")
    return transform.apply(image)


def _probe() -> Image.Image:
    """17 levels of each channel, as a picture."""
    levels = np.linspace(0, 255, 17).astype(np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1)
    return Image.fromarray(grid.reshape(17, 289, 3))
