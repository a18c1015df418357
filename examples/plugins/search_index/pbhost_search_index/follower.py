"""Keeps an index in step with the database: by the change feed, from where the index stands."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence

from pbhost import App
from pbhost.database import Change
from pbhost.errors import PbhostError
from pbhost_search_index.documents import Documents
from pbhost_search_index.provider import Document, IndexState, Key, SearchError, SearchIndex

log = logging.getLogger("pbhost.search_index")

_CHANGES = 500
_BUILD_BATCH = 200
#: Records per look-up; each is a condition of one filter.
_LOOK_UP = 40
_LONGEST_PAUSE = 30.0


class Follower:
    """Feeds the index of one application.

    The position in the index is the only memory of what was done: after a crash it goes on from there. What was applied
    twice does no harm, for a document is always made from the record as it is now.
    """

    def __init__(self, app: App, index: SearchIndex, documents: Documents) -> None:
        self._app = app
        self._index = index
        self._documents = documents
        self._moved = asyncio.Condition()
        self._position = -1

    async def follow(self) -> None:
        """Runs until it is cancelled; errors of the index only make it wait."""
        pause = 0.5
        while True:
            try:
                async for newest in self._app.db.watch_changes():
                    await self._catch_up(newest)
                    pause = 0.5
            except (SearchError, PbhostError) as error:
                log.warning("the index falls behind: %s", error)
                await asyncio.sleep(pause)
                pause = min(_LONGEST_PAUSE, pause * 2)

    async def caught_up(self) -> None:
        """Waits until everything that is committed by now is in the index."""
        newest = await self._newest()
        async with self._moved:
            await self._moved.wait_for(lambda: self._position >= newest)

    async def rebuild(self) -> int:
        """Builds the index anew; returns how many documents it has.

        Raises:
            SearchError: it cannot be written; then it is as it was.
        """
        # Taken first: what changes from now on is applied again afterwards.
        state, count = IndexState(await self._newest(), self._documents.layout()), 0

        async def batches() -> AsyncIterator[Sequence[Document]]:
            nonlocal count
            for collection, fields in self._documents.collections().values():
                batch: list[Document] = []
                async for record in self._app.records.iterate(collection, batch=_BUILD_BATCH):
                    batch.append(self._documents.document(record, fields))
                    if len(batch) == _BUILD_BATCH:
                        count += len(batch)
                        yield batch
                        batch = []
                count += len(batch)
                yield batch

        await self._index.replace(batches(), state)
        return count

    # -- parts -------------------------------------------------------------------------------------------------------

    async def _newest(self) -> int:
        # The last number ever given, also when its row was pruned.
        return await anext(self._app.db.watch_changes())

    async def _catch_up(self, newest: int) -> None:
        while True:
            state = await self._index.state()
            if state is not None and state.position > newest:
                newest = await self._newest()  # a rebuild has run ahead of what was announced
            if state is None or state.layout != self._documents.layout() or state.position > newest:
                # Never built; other fields are searchable now; or the database is an older one, from a backup.
                log.info("the index is built")
                await self.rebuild()
                continue
            await self._announce(state.position)
            if state.position == newest:
                return
            changes = await self._app.db.changes(state.position, _CHANGES)
            if not changes or changes[0].seq > state.position + 1:
                log.info("the index is built: what it has missed is not in the feed any more")
                await self.rebuild()
                continue
            await self._apply(changes)

    async def _apply(self, changes: Sequence[Change]) -> None:
        searchable = self._documents.collections()
        touched: dict[str, set[str]] = {}
        for change in changes:
            if change.collection_id in searchable:
                touched.setdefault(change.collection_id, set()).add(change.record_id)
        documents: list[Document] = []
        gone: set[Key] = {(collection, id_) for collection, ids in touched.items() for id_ in ids}
        for collection_id, ids in touched.items():
            collection, fields = searchable[collection_id]
            ordered = sorted(ids)
            for start in range(0, len(ordered), _LOOK_UP):
                some = {f"id{number}": id_ for number, id_ in enumerate(ordered[start : start + _LOOK_UP])}
                wanted = " || ".join(f"id = {{:{name}}}" for name in some)
                for record in await self._app.records.find_many(collection, wanted, some):
                    documents.append(self._documents.document(record, fields))
                    gone.discard((collection_id, record.id))
        await self._index.apply(documents, sorted(gone), changes[-1].seq)

    async def _announce(self, position: int) -> None:
        async with self._moved:
            self._position = position
            self._moved.notify_all()
