"""Applying and reverting the files of the migrations directory, each run in one transaction."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from builtin_operations.migrations import history
from builtin_operations.migrations.drafts import drafts_in, settle
from builtin_operations.migrations.errors import MigrationError
from builtin_operations.migrations.facade import MigrationApp
from builtin_operations.migrations.files import MigrationFile, Step, describe, is_automatic, list_files, load_file
from pbhost.errors import ApiError, tree_to_json

if TYPE_CHECKING:
    from pbhost.app import App
    from pbhost.database import AsyncTransaction, Transaction

log = logging.getLogger("pbhost.migrations")

#: Migrations may rewrite large tables.
TIME_LIMIT: Final = 24 * 3600.0


class Migrator:
    """The migrations of one application. It is started, and serves nobody yet or not at all."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.directory = app.config.migrations_dir

    async def apply(self) -> list[str]:
        """Applies what is pending, in the order of the file names, all or nothing; returns the names.

        Several processes may try at once: what is pending is decided inside the write transaction.

        Raises:
            MigrationError: one cannot be loaded or fails.
        """
        await self._settle_drafts()
        paths = await asyncio.to_thread(list_files, self.directory)
        known = set(await self._app.db.read(history.applied_files)) if paths else set()
        if all(path.name in known for path in paths):
            return []

        async def run(tx: AsyncTransaction) -> list[str]:
            known = set(await tx.run(history.applied_files))
            pending = [path for path in paths if path.name not in known]
            files = [(path, await asyncio.to_thread(load_file, path)) for path in pending]
            for path, file in files:
                await self._step(tx, path, file.up, "apply")
                await tx.run(lambda transaction, name=file.name: history.record(transaction, name))  # type: ignore[misc]  # the default binds the loop's name
            return [path.name for path in pending]

        return await self._in_transaction(run)

    async def revert(self, count: int) -> list[str]:
        """Reverts the migrations that were applied last; returns their names, in the order of reverting.

        Args:
            count: how many; negative for all.

        Raises:
            MigrationError: one has no file, no ``down``, or fails; then none is reverted.
        """

        async def run(tx: AsyncTransaction) -> list[str]:
            applied = [name for name in await tx.run(history.applied_files) if not history.is_foreign(name)]
            chosen = applied if count < 0 else applied[:count]
            for name in chosen:
                path, file = await asyncio.to_thread(self._existing, name)
                if file.down is None:
                    raise MigrationError(f"failed to revert migration {name}: it has no function 'down'")
                await self._step(tx, path, file.down, "revert")
                await tx.run(lambda transaction, name=name: history.forget(transaction, name))  # type: ignore[misc]  # as above
            return chosen

        return await self._in_transaction(run)

    async def adopt_automatic(self) -> None:
        """After a restore: notes files of changes through the API as applied, without applying them.

        They were written after the backup. Applied again they would undo the restore: delete once more the collection
        that somebody wanted back.
        """
        names = [path.name for path in await asyncio.to_thread(list_files, self.directory) if is_automatic(path.name)]

        def adopt(transaction: Transaction) -> list[str]:
            known = set(history.applied_files(transaction))
            missing = [name for name in names if name not in known]
            for name in missing:
                history.record(transaction, name)
            return missing

        if names and (adopted := await self._app.db.write(adopt, exclusive=True)):
            log.warning("newer than the restored backup, noted as applied but not applied: %s", ", ".join(adopted))

    async def sync(self) -> list[str]:
        """Forgets recorded migrations whose file is gone; returns their names."""
        directory = self.directory
        names = {path.name for path in directory.iterdir()} if directory is not None and directory.is_dir() else set()
        return await self._app.db.write(lambda transaction: history.forget_unknown(transaction, names))

    async def _settle_drafts(self) -> None:
        """What a crash left of a file that was being written."""
        drafts = await asyncio.to_thread(drafts_in, self.directory)
        if not drafts:
            return
        try:
            await self._app.db.write(lambda tx: settle(drafts, history.applied_files(tx)), exclusive=True)
        except OSError as error:
            log.error("an unfinished migration file can neither be finished nor removed: %s", error)

    def _existing(self, name: str) -> tuple[Path, MigrationFile]:
        path = (self.directory or Path()) / name
        if not path.is_file():
            raise MigrationError(
                f"failed to revert migration {name}: its file is gone; "
                "'pbhost migrate history-sync' forgets migrations without a file"
            )
        return path, load_file(path)

    async def _in_transaction(self, run: Callable[[AsyncTransaction], object]) -> list[str]:
        try:
            async with self._app.transaction(timeout=TIME_LIMIT) as tx:
                done = await cast("Callable[[AsyncTransaction], asyncio.Future[list[str]]]", run)(tx)
        except BaseException:
            # The schema in memory may hold what was rolled back.
            await self._app.collections.reload()
            raise
        if done:
            await self._app.collections.reload()
        return done

    async def _step(self, tx: AsyncTransaction, path: Path, step: Step, verb: str) -> None:
        try:
            if inspect.iscoroutinefunction(step):
                await step(MigrationApp(self._app, tx))
            else:
                await tx.run(lambda transaction: _plain(step, transaction))
                # It may have written to the table of the collections.
                await self._app.collections.reload()
        except Exception as error:
            raise MigrationError(f"failed to {verb} migration {path.name}: {_reason(error, path)}") from error


def _plain(step: Step, transaction: Transaction) -> None:
    result = step(transaction)
    if inspect.isawaitable(result):
        raise TypeError("a plain function must not return a coroutine; make it 'async def'")


def _reason(error: Exception, path: Path) -> str:
    details = f" {tree_to_json(error.data)}" if isinstance(error, ApiError) and error.data else ""
    return describe(error, path) + details
