"""``pbhost migrate``. Source: operations contract, section 21.2; unlike there, a failed command exits with 1."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builtin_operations.migrations.automatic import write_recorded
from builtin_operations.migrations.difference import recorded_form
from builtin_operations.migrations.files import file_name, next_stamp
from builtin_operations.migrations.rendering import empty_file, snapshot_file
from builtin_operations.migrations.runner import Migrator
from pbhost.database.history import revert_plugin_migrations

if TYPE_CHECKING:
    from pbhost.app import App

_yes = click.option("--yes", "-y", is_flag=True, help="do not ask")


class Refused(click.ClickException):
    """The command was refused; the message goes to standard output, as scripts for PocketBase expect it."""

    def show(self, file: object = None) -> None:
        """Print the message."""
        click.echo(f"Error: {self.message}")


def migrate_group(app: App) -> click.Group:
    """The ``migrate`` command with all its subcommands."""

    @click.group(name="migrate", invoke_without_command=True)
    @click.pass_context
    def migrate(context: click.Context) -> None:
        """Apply, revert and write migrations (pb_migrations/*.py); without a subcommand: up."""
        if context.invoked_subcommand is None:
            _run(app, lambda: _up(app))

    @migrate.command()
    def up() -> None:
        """Apply all pending migrations, in one transaction."""
        _run(app, lambda: _up(app))

    # A negative number would otherwise be taken for an option.
    @migrate.command(context_settings={"ignore_unknown_options": True})
    @click.argument("count", type=click.INT, default=1)
    @click.option("--plugin", default="", help="those of a plugin instead, before it is removed")
    @_yes
    def down(count: int, plugin: str, yes: bool) -> None:
        """Revert the last COUNT applied migrations (default 1; negative for all), in one transaction."""
        what = "all" if count < 0 else f"the last {count}"
        _confirm(f"Do you really want to revert {what} applied migration(s)?", yes)
        _run(app, lambda: _down(app, count, plugin))

    @migrate.command()
    @click.argument("name", default="")
    @_yes
    def create(name: str, yes: bool) -> None:
        """Write an empty migration."""
        if not name.strip():
            raise Refused("missing migration file name")
        directory = _directory(app)
        path = directory / file_name(next_stamp(directory), name)
        _confirm(f'Do you really want to create migration "{path}"?', yes)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            path.write_text(empty_file(name), "utf-8")
        except OSError as error:
            raise Refused(f'failed to create migration file "{path}": {error.strerror}') from error
        click.echo(f'Successfully created file "{path}"')

    @migrate.command()
    @_yes
    def collections(yes: bool) -> None:
        """Write a migration with all collections as they are."""
        _confirm("Do you really want to write a snapshot of all collections?", yes)
        _run(app, lambda: _snapshot(app))

    @migrate.command(name="history-sync")
    def history_sync() -> None:
        """Forget applied migrations whose file is gone."""

        async def sync() -> None:
            await Migrator(app).sync()
            click.echo("The _migrations table was synced with the available migrations.")

        _run(app, sync)

    return migrate


async def _up(app: App) -> None:
    applied = await Migrator(app).apply()
    for name in applied:
        click.echo(f"Applied {name}")
    if not applied:
        click.echo("No new migrations to apply.")


async def _down(app: App, count: int, plugin: str) -> None:
    reverted = await (revert_plugin_migrations(app, plugin, count) if plugin else Migrator(app).revert(count))
    for name in reverted:
        click.echo(f"Reverted {name}")
    if not reverted:
        click.echo("No migrations to revert.")


async def _snapshot(app: App) -> None:
    forms = [recorded_form(app.collections.public_json(item)) for item in app.collections.all()]
    # Recorded as applied: it is what the database has, and must not be applied over later changes.
    path = await write_recorded(app, _directory(app), "collections_snapshot", snapshot_file(forms))
    if path is None:
        raise Refused("failed to create the collections snapshot")
    click.echo(f'Successfully created file "{path}"')


def _directory(app: App) -> Path:
    if app.config.migrations_dir is None:
        raise Refused("there is no migrations directory")
    return app.config.migrations_dir


def _confirm(question: str, yes: bool) -> None:
    if yes:
        return
    try:
        agreed = click.prompt(f"{question} (y/N)", default="n", show_default=False).strip().lower() in ("y", "yes")
    except click.Abort:
        agreed = False
    if not agreed:
        click.echo("The command has been cancelled")
        raise SystemExit(1)


def _run(app: App, work: Callable[[], Awaitable[None]]) -> None:
    async def inside() -> None:
        await app.bootstrap()
        try:
            await work()
        finally:
            await app.shutdown()

    asyncio.run(inside())
