"""``pbhost encrypted-storage new-key|status|rotate``."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

import click

from pbhost_encrypted_storage.keyring import new_key

if TYPE_CHECKING:
    from pbhost import App
    from pbhost_encrypted_storage.storage import EncryptedStorage


def storage_commands(app: App) -> click.Command:
    """The command group for an application that is not started yet."""

    @click.group(name="encrypted-storage", help="Keys of the encrypted storage.")
    def group() -> None: ...

    @group.command(name="new-key", help="Print a fresh key.")
    def print_key() -> None:
        click.echo(new_key())

    @group.command(help="Count the files by the key that they are written with.")
    def status() -> None:
        async def count(_app: App) -> Counter[str]:
            return Counter([key_id async for _, key_id in _storage(_app).key_ids()])

        for key_id, files in sorted(app.run(count).items()):
            click.echo(f"{key_id or '(not encrypted)'}: {files:,}")

    @group.command(help="Write every file anew that is not under the current key. The server may run meanwhile.")
    def rotate() -> None:
        current = str(app.options("encrypted_storage")["current"])

        async def work(_app: App) -> tuple[int, list[str]]:
            storage, done, failed = _storage(_app), 0, []
            old = [key async for key, key_id in storage.key_ids() if key_id != current]
            for key in old:
                try:
                    done += await storage.rotate(key)
                except OSError as error:
                    failed.append(str(error))
            return done, failed

        done, failed = app.run(work)
        for reason in failed:
            click.echo(f"failed: {reason}", err=True)
        click.echo(f"{done:,} written anew, {len(failed):,} failed")
        if failed:
            sys.exit(1)

    return group


def _storage(app: App) -> EncryptedStorage:
    from pbhost_encrypted_storage.storage import EncryptedStorage

    storage = app.storage
    if not isinstance(storage, EncryptedStorage):
        raise click.ClickException("another plugin provides the storage")
    return storage
