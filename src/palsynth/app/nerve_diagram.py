"""A diagram of the facial nerve's branches on which each one's function is set.

It is an SVG of our own. Every branch, and the tone of each side, is a slider for keyboards and
screen readers; ``assets/app.js`` moves them. The state is a palsy as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

from palsynth.clinical import Branch, Palsy, Side
from palsynth.documents import parse_json
from palsynth.errors import InputError

_WIDTH, _HEIGHT = 600, 470

_PATHS = {
    Branch.TEMPORAL: "M418 232 C412 190 392 150 352 112",
    Branch.ZYGOMATIC: "M418 236 C400 212 382 196 356 184",
    Branch.BUCCAL: "M418 242 C396 262 374 274 346 286",
    Branch.MARGINAL: "M418 248 C410 300 384 344 338 350",
    Branch.CERVICAL: "M418 252 C422 320 414 372 386 424",
}
"""Course of each branch on the patient's left, at the right of the picture, from below the ear."""

_LABELS = {
    Branch.TEMPORAL: 92,
    Branch.ZYGOMATIC: 164,
    Branch.BUCCAL: 288,
    Branch.MARGINAL: 352,
    Branch.CERVICAL: 416,
}
"""Height of each branch's label."""

_TONE_AT = 226
"""Height of the label of the tone."""

_FACE = (
    "<path class=face d='M300 24 C214 24 176 92 176 184 C176 282 214 356 256 388 C282 408 318 408 "
    "344 388 C386 356 424 282 424 184 C424 92 386 24 300 24Z'/>"
    "<path class=feature d='M214 150 q30 -20 62 -4 M386 150 q-30 -20 -62 -4'/>"
    "<path class=feature d='M216 182 q30 -24 58 0 q-30 18 -58 0Z M384 182 q-30 -24 -58 0 q30 18 58 "
    "0Z'/>"
    "<path class=feature d='M300 178 L288 250 q12 10 24 0'/>"
    "<path class=feature d='M254 302 q46 -18 92 0 q-46 34 -92 0Z M254 302 h92'/>"
    "<path class=face d='M176 196 q-22 -14 -18 24 q6 34 24 30'/>"
    "<path class=face d='M424 196 q22 -14 18 24 q-6 34 -24 30'/>"
    "<path class=face d='M240 380 V446 M360 380 V446'/>"
)


def diagram(palsy: Palsy) -> str:
    """Draws the branches of both sides with their function.

    Args:
        palsy: the palsy; its synkinesis is not drawn.

    Returns:
        HTML: the SVG, with one slider (0 to 100 per cent) a branch and one for the tone of a side.
        The patient's right side is at the left, as in a photo.
    """
    parts = [_side(palsy, side) for side in (Side.RIGHT, Side.LEFT)]
    return (
        f"<svg class=nerve viewBox='0 0 {_WIDTH} {_HEIGHT}' role=group "
        "aria-label='Branches of the facial nerve: function of each, in per cent'>"
        f"{_FACE}{''.join(parts)}</svg>"
    )


def _side(palsy: Palsy, side: Side) -> str:
    state = palsy.of(side)
    at_left = side is Side.RIGHT
    x, anchor = (6, "start") if at_left else (_WIDTH - 6, "end")
    mirror = f" transform='translate({_WIDTH} 0) scale(-1 1)'" if at_left else ""
    title = f"<text class=side x={x} y=26 text-anchor={anchor}>Patient’s {side.value}</text>"
    sliders = [
        _slider(
            side.value,
            branch.value,
            f"{branch.value.capitalize()} branch",
            round(100 * state.function[branch]),
            f"<path class=hit d='{_PATHS[branch]}'{mirror}/>"
            f"<path class=branch d='{_PATHS[branch]}'{mirror}/>",
            (x, _LABELS[branch], anchor, branch.value.capitalize()),
        )
        for branch in Branch
    ]
    tone = _slider(
        side.value,
        "tone",
        "Tone at rest",
        round(100 * state.tone),
        "",
        (x, _TONE_AT, anchor, "Tone at rest"),
    )
    return title + "".join([*sliders[:2], tone, *sliders[2:]])


def _slider(
    side: str,
    part: str,
    name: str,
    percent: int,
    drawing: str,
    label: tuple[int, int, str, str],
) -> str:
    x, y, anchor, text = label
    left = x if anchor == "start" else x - 128
    return (
        f"<g class=part tabindex=0 role=slider data-side={side} data-part={part} "
        f"aria-label='{escape(name)}, patient’s {side}' aria-valuemin=0 aria-valuemax=100 "
        f"aria-valuenow={percent} aria-valuetext='{percent} per cent' data-level={level(percent)}>"
        f"{drawing}<rect class=hit x={left} y={y - 26} width=128 height=54 />"
        f"<text x={x} y={y} text-anchor={anchor}>{text}"
        f"<tspan class=value x={x} dy=21>{percent} %</tspan></text></g>"
    )


def level(percent: int) -> str:
    """The class that a function is drawn in: its line differs as well as its colour.

    Args:
        percent: function, 0 to 100.

    Returns:
        ``none``, ``weak`` or ``full``.
    """
    return "none" if percent == 0 else "full" if percent == 100 else "weak"


def to_text(palsy: Palsy, preset: Sequence[str] = ()) -> str:
    """A palsy as the text that the diagram changes.

    Args:
        palsy: the palsy.
        preset: what it was before it was changed, such as its side and grade; kept as it is.

    Returns:
        JSON of :meth:`palsynth.clinical.Palsy.to_dict`, and the preset.
    """
    return json.dumps({"preset": list(preset), **palsy.to_dict()})


def from_text(text: str) -> tuple[Palsy, tuple[str, ...]]:
    """Reads what :func:`to_text` wrote and the diagram changed.

    Args:
        text: the JSON.

    Returns:
        The palsy and the preset.

    Raises:
        InputError: it is not a palsy; a browser sent something else.
    """
    values = parse_json(text, "the nerve's branches")
    preset = values.pop("preset", []) if isinstance(values, dict) else []
    try:
        return Palsy.from_dict(values), tuple(map(str, preset))
    except (ValueError, TypeError) as error:
        raise InputError(f"the nerve's branches: {error}") from None
