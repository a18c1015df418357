"""``pbhost storage copy``: moves the files of an installation to another storage."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from builtin_files.config import FilesConfig
from builtin_files.workers import Workers
from pbhost.errors import PbhostError

if TYPE_CHECKING:
    from builtin_files.copying import Outcome
    from pbhost import App
    from pbhost.services import Storage

_SHOWN_FAILURES = 50


def storage_group(app: App) -> click.Group:
    """The ``storage`` command."""

    @click.group(name="storage", no_args_is_help=True)
    def storage() -> None:
        """Look after the storage of uploaded files."""

    @storage.command()
    @click.argument("source", metavar="FROM")
    @click.argument("target", metavar="TO")
    @click.option("--prefix", default="", help="only keys that start so, for instance a collection's id and a slash")
    @click.option("--dry-run", "is_dry", is_flag=True, help="only say what would be copied")
    @click.option("--parallel", type=click.IntRange(1, 64), default=4, show_default=True, help="files at once")
    @click.option("--from-option", "from_options", multiple=True, metavar="KEY=VALUE", help="argument of FROM's URL")
    @click.option("--to-option", "to_options", multiple=True, metavar="KEY=VALUE", help="argument of TO's URL")
    def copy(
        *,
        source: str,
        target: str,
        prefix: str,
        is_dry: bool,
        parallel: int,
        from_options: tuple[str, ...],
        to_options: tuple[str, ...],
    ) -> None:
        """Copy all files from one storage to another.

        FROM and TO are `local` (the directory storage of the data directory), `s3` (the bucket of the settings, enabled
        or not), `settings` (whichever is in use now), or an fsspec URL (s3://bucket, gcs://bucket, sftp://host/path).

        The server may run meanwhile. What is at the target with the same checksum is skipped, so run it again after an
        interruption, and once more after switching. Exits with 0 only if every file is there and verified.
        """
        if (source, from_options) == (target, to_options):
            raise click.UsageError("FROM and TO are the same storage")
        given = [_options(from_options), _options(to_options)]

        async def work(_app: App) -> Outcome:
            from builtin_files.copying import StorageCopy

            pools = [Workers("pbhost-copy-from", parallel), Workers("pbhost-copy-to", parallel)]
            try:
                opened = [
                    await _open(app, place, options, pool)
                    for place, options, pool in zip((source, target), given, pools, strict=True)
                ]
                copying = StorageCopy(*opened, is_dry=is_dry, parallel=parallel)
                return await copying.run(prefix, lambda done: click.echo(_line(done)))
            finally:
                for pool in pools:
                    pool.close()

        try:
            outcome = app.run(work)
        except (OSError, ExceptionGroup) as error:
            raise click.ClickException(f"the copy broke off: {_reason(error)}") from error
        except PbhostError as error:
            raise click.ClickException(str(error)) from error
        for key, reason in outcome.failed[:_SHOWN_FAILURES]:
            click.echo(f"failed: {key}: {reason}", err=True)
        click.echo(("would copy: " if is_dry else "done: ") + _line(outcome))
        if outcome.failed:
            raise SystemExit(1)

    return storage


async def _open(app: App, place: str, options: Mapping[str, str], workers: Workers) -> Storage:
    """The storage that a word or URL of the command line means.

    Raises:
        OSError: it cannot be opened.
    """
    from builtin_files.local import LocalStorage
    from builtin_files.opening import open_url
    from builtin_files.remote import RemoteStorage
    from builtin_files.s3 import S3Settings, open_bucket
    from builtin_files.storage import DIRECTORY

    if place == "local":
        return LocalStorage(app.config.dir / DIRECTORY, workers)
    if place == "settings":
        return app.storage
    if place == "s3":
        settings = S3Settings.load({**app.settings.section("s3"), "enabled": True})
        assert settings is not None  # it is enabled
        return RemoteStorage(await workers.run(lambda: open_bucket(settings)), workers)
    if "://" not in place:
        raise OSError(f"{place!r} is neither local, s3, settings nor a URL")
    config = FilesConfig.load(app.options("files"))
    merged: dict[str, object] = {**(config.url_options if place == config.url else {}), **options}
    return RemoteStorage(await workers.run(lambda: open_url(place, merged)), workers)


def _options(given: tuple[str, ...]) -> dict[str, str]:
    """``KEY=VALUE`` pairs; ``env:NAME`` keeps a secret out of the list of processes."""
    found: dict[str, str] = {}
    for item in given:
        key, separator, value = item.partition("=")
        if not separator or not key:
            raise click.UsageError(f"{item!r} is not KEY=VALUE")
        if value.startswith("env:"):
            name = value.removeprefix("env:")
            if name not in os.environ:
                raise click.UsageError(f"the environment variable {name} is not set")
            value = os.environ[name]
        found[key] = value
    return found


def _line(outcome: Outcome) -> str:
    parts = [f"{outcome.copied:,} copied ({outcome.size / 1024**2:,.1f} MiB)", f"{outcome.skipped:,} already there"]
    if outcome.gone:
        parts.append(f"{outcome.gone:,} deleted meanwhile")
    parts.append(f"{len(outcome.failed):,} failed")
    return ", ".join(parts)


def _reason(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error)
