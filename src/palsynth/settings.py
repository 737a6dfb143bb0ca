"""The base class of everything that a recipe is made of."""

from __future__ import annotations

from typing import Any, ClassVar


class Settings:
    """Base of the dataclasses in a recipe: unknown keys in a YAML file raise an error."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}
