"""What can be done with deleted records and old versions: look, restore, purge."""

from __future__ import annotations

import logging
from datetime import timedelta

from aiohttp import web

from pbhost import ApiError, App, BadRequestError, Collection, NotFoundError, Record, RequestContext
from pbhost.database import AsyncTransaction
from pbhost.http import context_of
from pbhost.model.clock import utc_now
from pbhost.model.dates import format_date
from pbhost_soft_delete.history import History, Version
from pbhost_soft_delete.options import Options

log = logging.getLogger("pbhost.soft_delete")

_SHOWN_VERSIONS = 500
_PURGE_BATCH = 100
#: What an old version does not bring back: the identity of the record, and files that may be gone.
_NOT_RESTORED = ("autodate", "file")


class Trash:
    """The deleted records of one application."""

    def __init__(self, app: App, options: Options) -> None:
        self._app = app
        self._options = options

    async def history(self, request: web.Request) -> dict[str, object]:
        """``GET /api/soft-delete/{collection}/{id}/history``: the versions, newest first, for superusers."""
        collection, id_ = self._collection(request), request.match_info["id"]
        versions = await self._app.db.read(
            lambda connection: History(connection).versions(collection.id, id_, limit=_SHOWN_VERSIONS)
        )
        return {"items": [_shown(version) for version in versions]}

    async def restore(self, request: web.Request) -> dict[str, object]:
        """``POST /api/soft-delete/{collection}/{id}/restore``: a deleted record and what was deleted along, all or
        nothing; with ``?version=N`` also the values of that version.

        Raises:
            NotFoundError: no such record or version, or the caller may not restore it.
            ValidationError: it cannot stand beside the living records: a unique value is taken by now, for instance.
        """
        collection, id_, context = self._collection(request), request.match_info["id"], context_of(request)
        wanted = context.query.get("version", "")
        if wanted and not (wanted.isascii() and wanted.isdigit() and len(wanted) < 10):
            raise BadRequestError("The version must be a number.")
        records = self._app.records
        async with self._app.transaction() as tx:
            record = await records.find(collection, id_, tx=tx)
            if record is None or not (record[self._options.field] or wanted):
                raise NotFoundError
            if not await self._may_restore(record, context, tx):
                raise NotFoundError  # who may not restore learns nothing of what was deleted
            if wanted:
                await self._apply_version(record, int(wanted), tx)
            along = await self._deleted_along(record, tx) if record[self._options.field] else []
            for item in (record, *along):
                item[self._options.field] = ""
                await records.save(item, context=context, tx=tx)
        await records.enrich([record], context)
        return record.to_json()

    async def purge(self) -> int:
        """Deletes for good what was deleted long ago; returns how many records that were."""
        days = self._options.purge_after_days
        if not days:
            return 0
        limit, purged = format_date(utc_now() - timedelta(days=days)), 0
        for name in sorted(self._options.collections):
            collection = self._app.collections.find(name)
            if collection is not None and collection.field(self._options.field) is not None:
                purged += await self._purge(collection, limit)
        return purged

    # -- parts -------------------------------------------------------------------------------------------------------

    def _collection(self, request: web.Request) -> Collection:
        collection = self._app.collections.get(request.match_info["collection"])
        if collection.name not in self._options.collections:
            raise NotFoundError
        return collection

    async def _may_restore(self, record: Record, context: RequestContext, tx: AsyncTransaction) -> bool:
        """Whether the caller fulfils the restore rule, and could see the record if it was not deleted."""
        records, living = self._app.records, record.copy()
        living[self._options.field] = ""
        view_rule = record.collection.view_rule
        sees = await tx.run(lambda connection: records.within(connection).would_satisfy(living, view_rule, context))
        return sees and await records.satisfies(record, self._options.restore_rule, context, tx=tx)

    async def _apply_version(self, record: Record, number: int, tx: AsyncTransaction) -> None:
        collection = record.collection
        versions = await tx.run(lambda connection: History(connection).versions(collection.id, record.id))
        version = next((item for item in versions if item.number == number), None)
        if version is None:
            raise NotFoundError
        for field in collection.fields:
            if field.name in version.state and field.name != "id" and field.type not in _NOT_RESTORED:
                value = version.state[field.name]
                if not isinstance(value, (dict, list)) and field.name != self._options.field:
                    record[field.name] = field.from_db(value)

    async def _deleted_along(self, record: Record, tx: AsyncTransaction) -> list[Record]:
        cause = f"{record.collection.id}/{record.id}"
        found = []
        for collection_id, id_ in await tx.run(lambda connection: History(connection).deleted_by(cause)):
            collection = self._app.collections.find(collection_id)
            item = await self._app.records.find(collection, id_, tx=tx) if collection is not None else None
            if item is not None and item[self._options.field] and item.id != record.id:
                found.append(item)
        return found

    async def _purge(self, collection: Collection, limit: str) -> int:
        name, purged, after = self._options.field, 0, ""
        while True:
            due = await self._app.records.find_many(
                collection,
                f"{name} != '' && {name} < {{:limit}} && id > {{:after}}",
                {"limit": limit, "after": after},
                sort="id",
                limit=_PURGE_BATCH,
            )
            for record in due:
                after = record.id
                try:
                    await self._app.records.delete(record)
                    purged += 1
                except NotFoundError:
                    continue  # it went with an earlier one
                except ApiError as error:
                    log.warning("%s/%s cannot be purged: %s", collection.name, record.id, error)
            if len(due) < _PURGE_BATCH:
                return purged


def _shown(version: Version) -> dict[str, object]:
    return {
        "version": version.number,
        "action": version.action,
        "at": version.at,
        "actor": version.actor,
        "cause": version.cause,
        "state": version.state,
    }
