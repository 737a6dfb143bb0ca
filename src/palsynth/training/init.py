"""Where training starts: from scratch, from the weights that ship, or from others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from palsynth.errors import InputError
from palsynth.settings import Settings

N = TypeVar("N")

InitFrom = Literal["scratch", "shipped"] | Path
"""Where training starts: from scratch, from shipped weights, or from those of a folder or file."""


@dataclass(frozen=True)
class InitSettings(Settings):
    """The first fields of every recipe: its kind, and the weights that training starts from.

    A recipe with several networks has a field ``init_modules`` too, which says which of them are
    initialised.
    """

    needs_weights: ClassVar[bool] = False
    """Whether there is nothing to train from scratch, as for a fine-tuning."""

    kind: str = ""
    init_from: InitFrom = "scratch"
    """Where training starts: scratch, the shipped weights, or those of a folder or file."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.needs_weights and self.init_from == "scratch":
            raise InputError(
                f"init_from scratch: a recipe of kind {self.kind} starts from trained weights; "
                "give their folder, or shipped"
            )


def init_path(init_from: InitFrom) -> Path | None:
    """The weights that ``init_from`` names.

    Args:
        init_from: where training starts.

    Returns:
        Their folder or file; None for those that ship.

    Raises:
        InputError: training starts from scratch.
    """
    if init_from == "scratch":
        raise InputError("init_from scratch: names no weights; give their folder, or shipped")
    return None if init_from == "shipped" else Path(init_from)


def check_init(init: InitSettings) -> None:
    """Checks that the weights exist, before anything that takes long.

    Args:
        init: where training starts.

    Raises:
        InputError: there is no such folder or file.
    """
    if (
        init.init_from != "scratch"
        and (path := init_path(init.init_from)) is not None
        and not path.exists()
    ):
        raise InputError(
            f"{path}: no such folder to initialise from; train it first, or give scratch or shipped"
        )


def init_networks(
    init: InitSettings,
    build: Callable[[], dict[str, Any]],
    load: Callable[[Path | None], Mapping[str, Any]],
    modules: Iterable[str] | None = None,
    ignore: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Builds the networks of a recipe and initialises them as the recipe says.

    Args:
        init: where training starts.
        build: makes the new networks by name, all diffusers networks with a configuration.
        load: reads trained networks of the same names from a folder or file; None for those that
            ship.
        modules: names of the networks that are initialised; default: all. The others stay new.
        ignore: fields of the configurations that may differ; the weights' own are then used.

    Returns:
        The networks by name, ready for training.

    Raises:
        InputError: the weights cannot be loaded, lack a network, or are of another architecture.
    """
    if init.init_from == "scratch":
        return build()
    check_init(init)
    trained = load(init_path(init.init_from))
    networks = build()
    for name in networks if modules is None else modules:
        if name not in trained:
            raise InputError(
                f"{init.init_from}: holds no {name}; set init_modules to what it holds "
                f"({', '.join(trained)})"
            )
        found = trained[name]
        check_fits(found, networks[name].config, init.init_from, "the recipe", ignore)
        # a new network of the same configuration, since trained ones are loaded frozen; without the
        # private fields, by which diffusers takes positional arguments for defaults
        config = {key: value for key, value in found.config.items() if not key.startswith("_")}
        networks[name] = type(found).from_config(config)
        networks[name].load_state_dict(found.state_dict())
    return networks


def init_network(
    init: InitSettings,
    build: Callable[[], N],
    load: Callable[[Path | None], N],
    ignore: tuple[str, ...] = (),
) -> N:
    """Builds the only network of a recipe and initialises it as the recipe says.

    Args:
        init: where training starts.
        build: makes the new network, one of diffusers with a configuration.
        load: reads a trained one from a folder or file; None for the one that ships.
        ignore: fields of the configuration that may differ; the weights' own are then used.

    Returns:
        The network, ready for training.

    Raises:
        InputError: the weights cannot be loaded, or are of another architecture.
    """
    networks = init_networks(
        init, lambda: {"network": build()}, lambda path: {"network": load(path)}, ignore=ignore
    )
    network: N = networks["network"]
    return network


def check_fits(
    found: Any,
    expected: Mapping[str, Any],
    where: Path | str,
    owner: str,
    ignore: tuple[str, ...] = (),
) -> None:
    """Checks that a trained network has an expected architecture.

    Args:
        found: the network, with a diffusers configuration.
        expected: field of the configuration -> its value; names that begin with an underscore are
            passed over.
        where: the folder or file of the network, for the error message.
        owner: whose architecture is expected, for the error message, such as ``the recipe``.
        ignore: fields that may differ.

    Raises:
        InputError: names the first field that differs.
    """
    for name in expected:
        if name.startswith("_") or name in ignore or name not in found.config:
            continue
        has, wanted = _plain(found.config[name]), _plain(expected[name])
        if has != wanted:
            raise InputError(
                f"{where}: its {type(found).__name__} has {name} {has}, {owner} {wanted}; "
                f"give weights of the same model, or change {owner}"
            )


def _plain(value: Any) -> Any:
    """A value as JSON would give it back: tuples become lists."""
    return list(value) if isinstance(value, tuple) else value
