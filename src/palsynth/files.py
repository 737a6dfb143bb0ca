"""Writing files whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from palsynth.errors import InputError


def outside(out: Path, *sets: Path | None) -> None:
    """Raises InputError where ``out`` lies in a folder of pictures: what a report keeps, features
    of patients' faces too, must not be handed on with a set."""
    for folder in sets:
        if folder is not None and out.resolve().is_relative_to(folder.resolve()):
            raise InputError(
                f"{out}: lies in {folder}, and what is kept there must not be handed on with a "
                "set; give another --out"
            )


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Gives a temporary path beside ``path``, which becomes ``path`` when all went well.

    Raises InputError where the place cannot be written; what was there before stays.
    """
    if not path.name:
        raise InputError(f"{path}: is a folder; name a file")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
