"""Each change of a collection through the API becomes a file, recorded as applied. Source: operations contract, 22."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from builtin_operations.migrations import history
from builtin_operations.migrations.difference import difference, recorded_form
from builtin_operations.migrations.drafts import publish, write_draft
from builtin_operations.migrations.files import file_name, next_stamp
from builtin_operations.migrations.rendering import created_file, deleted_file, updated_file
from pbhost.errors import JSON, DatabaseError

if TYPE_CHECKING:
    from pbhost.app import App
    from pbhost.database import Transaction
    from pbhost.hooks.events import CollectionRequestEvent

log = logging.getLogger("pbhost.migrations")


class CollectionChange:
    """A change of a collection that is about to happen.

    Args:
        action: ``created``, ``updated`` or ``deleted``.
        event: the request.
    """

    def __init__(self, action: str, event: CollectionRequestEvent) -> None:
        self._action = action
        self._event = event
        self._before = None if action == "created" else _form(event.app, event.collection.id)

    async def write_down(self) -> None:
        """Writes the file of the change, which has succeeded; nothing if nothing is different."""
        config = self._event.app.config
        if config.migrations_dir is None or not config.automigrate:
            return
        after = _after(self._event.app, self._action, self._event)
        name, text = _file_of(self._action, self._before, after)
        if text:
            await write_recorded(self._event.app, config.migrations_dir, f"{self._action}_{name}", text)


async def write_recorded(app: App, directory: Path, title: str, text: str) -> Path | None:
    """Writes a migration that is already true and records it as applied; None (and a log entry) if that fails."""

    draft: Path | None = None

    def write(transaction: Transaction) -> Path:
        nonlocal draft
        directory.mkdir(parents=True, exist_ok=True)
        name = file_name(next_stamp(directory, history.applied_files(transaction)), title)
        history.record(transaction, name)
        draft = write_draft(directory, name, text)
        return draft

    try:
        recorded = await app.db.write(write, exclusive=True)
        return await asyncio.to_thread(publish, recorded)
    except (OSError, DatabaseError) as error:
        # The collection has been changed all the same, and the answer must say so.
        log.error("the migration %r cannot be written: %s", title, error)
        if isinstance(error, DatabaseError) and draft is not None:
            await asyncio.to_thread(draft.unlink, missing_ok=True)
        return None


def _file_of(action: str, before: Mapping[str, JSON] | None, after: Mapping[str, JSON] | None) -> tuple[object, str]:
    if before is None:
        return ("", "") if after is None else (after["name"], created_file(after))
    if action == "deleted":
        return before["name"], deleted_file(before) if after is None else ""
    if after is None:
        return "", ""
    forth = difference(before, after)
    return before["name"], updated_file(str(before["name"]), forth, difference(after, before)) if forth else ""


def _after(app: App, action: str, event: CollectionRequestEvent) -> dict[str, JSON] | None:
    # A created collection has its id only in the stored state.
    return _form(app, event.collection.name if action == "created" else event.collection.id)


def _form(app: App, name_or_id: str) -> dict[str, JSON] | None:
    found = app.collections.find(name_or_id)
    return None if found is None else recorded_form(app.collections.public_json(found))
