"""The look that all web pages share: their colours, light and dark, as CSS custom properties."""

from __future__ import annotations

LIGHT = {
    "text": "#1b1f24",
    "muted": "#57606a",
    "page": "#f6f8fa",
    "panel": "#ffffff",
    "sunken": "#eaeef2",
    "line": "#8c959f",
    "faint": "#d0d7de",
    "accent": "#0969da",
    "on-accent": "#ffffff",
    "focus": "#54aeff",
    "go": "#1a7f37",
    "on-go": "#ffffff",
    "bad": "#a40e26",
    "bad-page": "#ffebe9",
    "weak": "#9a6700",
}
"""Colours in light surroundings; text on its ground has a contrast of at least 4.5 to 1."""

DARK = {
    "text": "#e6edf3",
    "muted": "#9ea7b3",
    "page": "#0d1117",
    "panel": "#161b22",
    "sunken": "#21262d",
    "line": "#768390",
    "faint": "#30363d",
    "accent": "#58a6ff",
    "on-accent": "#0d1117",
    "focus": "#1f6feb",
    "go": "#2a7f3f",
    "on-go": "#ffffff",
    "bad": "#ff938a",
    "bad-page": "#3d1418",
    "weak": "#d9a33c",
}
"""The same in dark surroundings."""

FONT = ("system-ui", "-apple-system", "Segoe UI", "sans-serif")
"""The reader's own fonts: none is loaded."""


def properties(colours: dict[str, str]) -> str:
    """Colours as declarations of CSS.

    Args:
        colours: :data:`LIGHT` or :data:`DARK`.

    Returns:
        One custom property a colour, such as ``--text:#1b1f24``, with semicolons between.
    """
    return ";".join(f"--{name}:{value}" for name, value in colours.items())


def tokens() -> str:
    """The colours as the reader's system asks for them.

    Returns:
        CSS that sets the custom properties of :func:`properties` for the whole page.
    """
    return (
        f":root{{color-scheme:light dark;{properties(LIGHT)}}}"
        f"@media(prefers-color-scheme:dark){{:root{{{properties(DARK)}}}}}"
    )
