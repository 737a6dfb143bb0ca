"""The look of our pages as a theme of Gradio."""

from __future__ import annotations

import inspect

import gradio as gr
from gradio.themes.utils import colors

from palsynth.app.look import FONT

_USES = {
    "body_background_fill": "page",
    "body_text_color": "text",
    "body_text_color_subdued": "muted",
    "background_fill_primary": "panel",
    "background_fill_secondary": "page",
    "border_color_primary": "faint",
    "border_color_accent": "accent",
    "block_background_fill": "panel",
    "block_border_color": "faint",
    "block_label_background_fill": "panel",
    "block_label_text_color": "text",
    "block_title_text_color": "text",
    "block_info_text_color": "muted",
    "panel_background_fill": "panel",
    "input_background_fill": "panel",
    "input_border_color": "line",
    "input_border_color_focus": "accent",
    "input_placeholder_color": "muted",
    "button_primary_background_fill": "go",
    "button_primary_background_fill_hover": "go",
    "button_primary_text_color": "on-go",
    "button_primary_text_color_hover": "on-go",
    "button_secondary_background_fill": "sunken",
    "button_secondary_background_fill_hover": "faint",
    "button_secondary_text_color": "text",
    "button_secondary_text_color_hover": "text",
    "button_cancel_background_fill": "sunken",
    "button_cancel_text_color": "text",
    "checkbox_background_color": "panel",
    "checkbox_background_color_selected": "accent",
    "checkbox_border_color": "line",
    "checkbox_label_background_fill": "panel",
    "checkbox_label_background_fill_hover": "sunken",
    "checkbox_label_background_fill_selected": "panel",
    "checkbox_label_border_color": "line",
    "checkbox_label_border_color_selected": "accent",
    "checkbox_label_text_color": "text",
    "checkbox_label_text_color_selected": "text",
    "color_accent": "accent",
    "color_accent_soft": "sunken",
    "link_text_color": "accent",
    "link_text_color_hover": "accent",
    "link_text_color_active": "accent",
    "link_text_color_visited": "accent",
    "slider_color": "accent",
    "loader_color": "accent",
    "error_background_fill": "bad-page",
    "error_border_color": "bad",
    "error_text_color": "bad",
    "error_icon_color": "bad",
    "table_even_background_fill": "panel",
    "table_odd_background_fill": "page",
    "table_border_color": "faint",
}
"""Variable of Gradio's themes -> one of our colours, which a style sheet sets, light and dark."""

_DARK = ("", "_dark")


def theme() -> gr.themes.Base:
    """Builds the theme: our colours, and the reader's own fonts.

    Returns:
        The theme, which asks for nothing from elsewhere.
    """
    made = gr.themes.Base(
        primary_hue=colors.blue,
        neutral_hue=colors.gray,
        font=FONT,
        font_mono=("ui-monospace", "monospace"),
    )
    known = inspect.signature(made.set).parameters
    values = {f"{name}{dark}": f"var(--{ours})" for name, ours in _USES.items() for dark in _DARK}
    values = {name: value for name, value in values.items() if name in known}
    return made.set(**values, input_border_width="1px", checkbox_label_border_width="1px")
