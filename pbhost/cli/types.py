"""``pbhost types``: the collections of a data directory as types, for plugins and for clients."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pbhost.cli.typed_schema import TypedCollection, typed_collections

if TYPE_CHECKING:
    from pbhost.app import App
    from pbhost.cli.invocation import Invocation

Writer = Callable[[Sequence[TypedCollection]], str]

_output_option = click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="the file to write; standard output without it"
)


@click.group(name="types", no_args_is_help=True)
def types_group() -> None:
    """Write the collections as types, for Python plugins or for the JavaScript SDK.

    The data directory is only read; a server may run on it meanwhile.
    """


@types_group.command(name="python")
@_output_option
@click.pass_obj
def python_command(invocation: Invocation, output: Path | None) -> None:
    """Classes of typed records, for plugins: 'from my_types import posts; await posts(app).get(id)'."""
    from pbhost.cli.python_types import python_module

    _write(invocation.app, python_module, output)


@types_group.command(name="typescript")
@_output_option
@click.pass_obj
def typescript_command(invocation: Invocation, output: Path | None) -> None:
    """Types for the calls of the official SDK: 'new PocketBase(url) as TypedPocketBase'."""
    from pbhost.cli.typescript_types import typescript_module

    _write(invocation.app, typescript_module, output)


def _write(app: App, writer: Writer, output: Path | None) -> None:
    text = writer(asyncio.run(_read(app)))
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, "utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror or error}") from error


async def _read(app: App) -> list[TypedCollection]:
    async with app.inspection() as unreadable:
        for service in ("database", "collections"):
            if service in unreadable:
                raise unreadable[service]
        return typed_collections(app.collections)
