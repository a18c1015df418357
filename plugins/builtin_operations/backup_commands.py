"""``pbhost backup``: backups from the command line, also when the server does not start any more."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builtin_operations.backups import pending
from builtin_operations.backups.archive import EXCLUDED, ArchiveError, extract_archive
from builtin_operations.backups.presence import Presence
from pbhost.errors import ApiError, PbhostError, ValidationError
from pbhost.model.ids import LOWER_ALPHANUMERIC, random_text

if TYPE_CHECKING:
    from builtin_operations.backups.service import Backups
    from pbhost.app import App

_DIRECTORY = "backups"


def backup_group(app: App, backups: Callable[[], Backups]) -> click.Group:
    """The ``backup`` command with its subcommands."""

    @click.group(name="backup", no_args_is_help=True)
    def backup() -> None:
        """Make, list and restore backups."""

    @backup.command()
    @click.argument("name", default="")
    def create(name: str) -> None:
        """Make a backup, also while the server runs. NAME ends in .zip; without one it is made of the time."""

        async def work(_app: App) -> str:
            await backups().check_name(name)
            made = name or await backups().generate_name()
            await backups().create(made)
            return made

        try:
            click.echo(app.run(work))
        except ValidationError as error:
            raise click.ClickException(f"{name} cannot be the name of a backup, or is taken") from error
        except (ApiError, OSError) as error:
            raise click.ClickException(f"the backup failed: {error}") from error

    @backup.command(name="list")
    def list_() -> None:
        """List the backups: name, size, time."""

        async def work(_app: App) -> list[tuple[str, int, str]]:
            return [
                (str(item["key"]), int(str(item["size"])), str(item["modified"])) for item in await backups().list()
            ]

        try:
            found = app.run(work)
        except OSError as error:
            raise click.ClickException(f"the storage of the backups cannot be read: {error}") from error
        width = max((len(key) for key, _, _ in found), default=0)
        for key, size, modified in found:
            click.echo(f"{key:<{width}}  {size / 1024**2:>10,.1f} MiB  {modified}")

    @backup.command()
    @click.argument("name")
    def restore(name: str) -> None:
        """Put the content of a backup in the place of the data directory's.

        NAME is one of the list, or the path of an archive. For an archive on this machine nothing else has to be in
        order: the data directory may be damaged or empty. While a server runs, the content is exchanged when it is
        restarted.
        """
        directory = app.config.dir
        try:
            archive = _local_archive(directory, name)
            if archive is not None:
                _stage(directory, archive)
            else:

                async def work(_app: App) -> None:
                    await backups().restore(name)

                app.run(work)
            is_done = _exchange(directory)
        except (FileNotFoundError, ApiError) as error:
            raise click.ClickException(f"there is no backup {name}; `pbhost backup list` shows all") from error
        except (ArchiveError, OSError) as error:
            raise click.ClickException(f"{name} cannot be restored: {error}; nothing has changed") from error
        except PbhostError as error:
            raise click.ClickException(
                f"{error}\nGive the path of the archive instead: then the present content need not be in order"
            ) from error
        if is_done:
            click.echo(f"The data directory has the content of {name}.")
        else:
            click.echo(f"A server has the data directory open: restart it, and it starts with the content of {name}.")

    return backup


def _local_archive(directory: Path, name: str) -> Path | None:
    """The archive on this machine that is meant, if it is one: a path, or a name within the directory of backups."""
    for path in (Path(name), directory / _DIRECTORY / name):
        if path.is_file():
            return path
    return None


def _stage(directory: Path, archive: Path) -> None:
    temp = directory / pending.TEMP
    staged = temp / f"pb_restore_{random_text(8, LOWER_ALPHANUMERIC)}"
    temp.mkdir(parents=True, exist_ok=True)
    try:
        extract_archive(archive, staged)
        pending.stage(directory, staged, EXCLUDED)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise


def _exchange(directory: Path) -> bool:
    """Puts the new content in place; False if others have the directory open, so that the next start will do it.

    Raises:
        OSError: it failed, and the old content is there again.
    """
    presence = Presence(directory)
    try:
        if not presence.take(0.0):
            return False
        if not pending.apply(directory, presence):
            raise OSError("the content could not be exchanged, the log says why")
        return True
    finally:
        presence.end()
