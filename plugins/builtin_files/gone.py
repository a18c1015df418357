"""Deleted records whose files may still be there: the change feed knows them, for it commits with the delete itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import orjson

from builtin_files.field import names_of

if TYPE_CHECKING:
    from pbhost import App
    from pbhost.database import Change

_PAGE = 1000
#: The feed's name for the schema itself.
_SCHEMA = "_collections"


async def gone_since(app: App, after: int, until: int) -> AsyncIterator[tuple[str, str]]:
    """Collection and record ids of deletes that may have left files; no record id stands for a whole collection.

    Args:
        after: the feed's number up to which everything was tidied up.
        until: the last number to look at.
    """
    while after < until:
        page = await app.db.changes(after, _PAGE)
        for change in page:
            if change.seq > until:
                return
            if change.action != "delete":
                continue
            if change.collection_id == _SCHEMA:
                yield change.record_id, ""
            elif _had_files(app, change):
                yield change.collection_id, change.record_id
        if not page:
            return
        after = page[-1].seq


def _had_files(app: App, change: Change) -> bool:
    collection = app.collections.find(change.collection_id)
    fields = [field for field in collection.fields if field.type == "file"] if collection is not None else []
    if not fields:
        return False
    try:
        last = orjson.loads(change.payload)
    except orjson.JSONDecodeError:
        last = None
    if not isinstance(last, dict):
        return True  # not told: look
    return any(names_of(field.from_db(last.get(field.name))) for field in fields)
