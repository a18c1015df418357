"""``DELETE /records/{id}``."""

from __future__ import annotations

from pbhost.database import Connection, Transaction
from pbhost.errors import NotFoundError
from pbhost.hooks import Chain
from pbhost.hooks.events import RecordRequestEvent
from pbhost.model import Record, Rule

from ..faults import DELETE_BLOCKED, write_failure
from .base import Action, Asked, Outcome, Run


class Delete(Action):
    """``DELETE /records/{id}``."""

    kind = "delete"

    def __init__(self, asked: Asked, id_: str) -> None:
        super().__init__(asked)
        self._id = id_
        self._record: Record | None = None
        self._looked_in: Connection | None = None

    @property
    def rule(self) -> Rule:
        return self.collection.delete_rule

    @property
    def needs_loop(self) -> bool:
        return self.hook is not None

    @property
    def is_async(self) -> bool:
        return self.core.deleting.needs_loop(self.collection)

    @property
    def needs_look(self) -> bool:
        return True

    def _request_chain(self) -> Chain | None:
        return self.chains.delete_request

    def look(self, connection: Connection | None) -> None:
        assert connection is not None, "a delete needs the stored row"
        self._fetch(connection)
        self._looked_in = connection

    def finish(self, tx: Transaction) -> Outcome:
        if self._looked_in is not tx:
            self._fetch(tx)
        assert self._record is not None, "look comes first"
        try:
            self.core.deleting.delete(tx, self._record, self.aftermath, context=self.context)
        except Exception as error:
            raise write_failure(error, DELETE_BLOCKED) from error
        return Outcome(204)

    async def around(self, run: Run) -> Outcome:
        async def operation() -> Outcome:
            return await run(self.finish)

        assert self._record is not None, "look comes first"
        event = RecordRequestEvent(
            app=self.core.app,
            context=self.context,
            request=self.request,
            collection=self.collection,
            record=self._record,
        )
        return await self._run_hook(event, operation)

    def _fetch(self, connection: Connection) -> None:
        row = self.core.queries.row_under_rule(connection, self.collection, self._id, self.rule, self.context)
        if row is None:
            raise NotFoundError()
        if self._record is None:
            self._record = self.core.codecs.of(self.collection).record(row)
