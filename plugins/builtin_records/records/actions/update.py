"""``PATCH /records/{id}``."""

from __future__ import annotations

from collections.abc import Mapping

from pbhost.database import Connection, Transaction
from pbhost.errors import NotFoundError
from pbhost.hooks import Chain
from pbhost.model import BodyValue, Record, Rule

from ..body import modified
from ..faults import UPDATE_FAILED
from .base import Asked, Outcome
from .saved import Saved


class Update(Saved):
    """``PATCH /records/{id}``."""

    kind = "update"
    message = UPDATE_FAILED

    def __init__(self, asked: Asked, id_: str) -> None:
        super().__init__(asked)
        self._id = id_
        self._looked_in: Connection | None = None

    @property
    def rule(self) -> Rule:
        return self.collection.update_rule

    @property
    def is_async(self) -> bool:
        return self.chains.update.is_async

    @property
    def needs_look(self) -> bool:
        return True

    def _request_chain(self) -> Chain | None:
        return self.chains.update_request

    def look(self, connection: Connection | None) -> None:
        assert connection is not None, "an update needs the stored row"
        record = self._fetch(connection)
        self._stored = record
        self._drop_unwritable(connection)
        self._apply(record.copy())
        self._check(connection)
        manage_rule = self._may_manage()
        if manage_rule:
            self.manages = self.core.queries.holds(connection, self.collection, self._id, manage_rule, self.context)
        self._looked_in = connection

    def finish(self, tx: Transaction) -> Outcome:
        if self._looked_in is not tx:
            self._stored = self._fetch(tx)
            self.record.rebase(self._stored, relative=modified(self.collection, self._body))
            self._check(tx)
            self._recheck_writable(tx)
        return self._save(tx)

    def _write_rule_holds(self, connection: Connection, rule: str, body: Mapping[str, BodyValue]) -> bool:
        normalised = self.lifecycle.body.apply(self._stored.copy(), body, reveal=False)
        context = self.context.derive(body=normalised)
        return self.core.queries.holds(connection, self.collection, self._id, rule, context)

    def _fetch(self, connection: Connection) -> Record:
        queries = self.core.queries
        if self._depends_on_body:
            row = queries.row(connection, self.collection, self._id)
        else:
            row = queries.row_under_rule(connection, self.collection, self._id, self.rule, self.context)
        if row is None:
            raise NotFoundError()
        return self.core.codecs.of(self.collection).record(row)

    def _check(self, connection: Connection) -> None:
        """The rule, if it could not be part of the look-up: it sees the normalised body, which needs the row."""
        if self._depends_on_body and not self.core.queries.holds(
            connection, self.collection, self._id, self.rule, self.context
        ):
            raise NotFoundError(cause="the update rule is not satisfied")

    @property
    def _depends_on_body(self) -> bool:
        return bool(self.rule) and "@request.body" in (self.rule or "") and not self.context.is_superuser
