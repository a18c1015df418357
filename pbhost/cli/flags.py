"""Global flags may stand anywhere on the command line: they are moved to its front before click sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import click

from pbhost.config import OPTIONS, Option

#: Options that only ``serve`` takes; all others are global.
SERVE_KEYS: Final = frozenset({"http", "origins", "workers", "public_dir", "index_fallback", "shutdown_timeout"})
#: PocketBase's spelling of a flag, for scripts that have it.
ALIASES: Final = {
    "encryption_env": "--encryptionEnv",
    "query_timeout": "--queryTimeout",
    "public_dir": "--publicDir",
    "index_fallback": "--indexFallback",
    "migrations_dir": "--migrationsDir",
    "plugins.dir": "--hooksDir",
}
_TYPES: Final = {
    "path": click.Path(path_type=Path),
    "integer": click.INT,
    "seconds": click.FLOAT,
    "switch": click.BOOL,
    "text": click.STRING,
    "list": click.STRING,
}


def parameter_name(option: Option) -> str:
    """The name of a click parameter for an option."""
    return option.key.replace(".", "_")


def config_options(*, serve: bool) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Adds the options of ``serve``, or the global ones, to a click command."""

    def decorate(function: Callable[..., object]) -> Callable[..., object]:
        for option in reversed(OPTIONS):
            if (option.key in SERVE_KEYS) != serve:
                continue
            names = [option.flag, *([ALIASES[option.key]] if option.key in ALIASES else []), parameter_name(option)]
            is_switch = option.kind == "switch"
            function = click.option(
                *names,
                type=_TYPES[option.kind],
                multiple=option.kind == "list",
                is_flag=False,
                flag_value="true" if is_switch else None,
                default=None,
                metavar={"path": "PATH", "text": "TEXT", "list": "NAME", "seconds": "SECONDS", "integer": "N"}.get(
                    option.kind, "[BOOL]"
                ),
                help=f"{option.help}  [{option.env}]",
            )(function)
        return function

    return decorate


def given_flags(values: dict[str, object]) -> dict[str, object]:
    """Option keys and values from click's parameters; those that were not given are left out."""
    by_name = {parameter_name(option): option for option in OPTIONS}
    return {by_name[name].key: value for name, value in values.items() if name in by_name and value not in (None, ())}


def hoist(arguments: Sequence[str]) -> list[str]:
    """The arguments with all global flags in front, in their order; what follows ``--`` stays.

    ``pbhost serve --dir data`` becomes ``pbhost --dir data serve``.

    Raises:
        click.UsageError: the last flag lacks its value.
    """
    spelled: dict[str, Option] = {}
    for option in OPTIONS:
        if option.key not in SERVE_KEYS:
            spelled[option.flag] = option
            if option.key in ALIASES:
                spelled[ALIASES[option.key]] = option
    front: list[str] = []
    rest: list[str] = []
    index = 0
    while index < len(arguments):
        argument = arguments[index]
        if argument == "--":
            rest += arguments[index:]
            break
        name, equals, _ = argument.partition("=")
        found = spelled.get(name)
        if found is None and name != "--config":
            rest.append(argument)
        elif equals or (found is not None and found.kind == "switch"):
            front.append(argument if equals else f"{argument}=true")
        elif index + 1 == len(arguments):
            raise click.UsageError(f"Option {argument!r} requires an argument.")
        else:
            front += arguments[index : index + 2]
            index += 1
        index += 1
    return front + rest
