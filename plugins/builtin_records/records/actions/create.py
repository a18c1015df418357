"""``POST /records``."""

from __future__ import annotations

from collections.abc import Mapping

from pbhost.database import Connection, SqlValue, Transaction
from pbhost.errors import BadRequestError
from pbhost.hooks import Chain
from pbhost.model import BodyValue, Field, Record, Rule

from ...filter import virtual_row
from ..faults import CREATE_FAILED
from .base import Outcome
from .saved import Saved


class Create(Saved):
    """``POST /records``."""

    kind = "create"
    message = CREATE_FAILED

    @property
    def rule(self) -> Rule:
        return self.collection.create_rule

    @property
    def is_async(self) -> bool:
        return self.chains.create.is_async

    @property
    def needs_look(self) -> bool:
        has_rule = bool(self.rule) and not self.context.is_superuser
        return has_rule or self._asks_write_rules or bool(self._may_manage())

    def _request_chain(self) -> Chain | None:
        return self.chains.create_request

    def look(self, connection: Connection | None) -> None:
        self._drop_unwritable(connection)
        self._apply(self.lifecycle.blank())
        self._virtual: dict[str, SqlValue] = {}
        manage_rule = self._may_manage()
        if connection is None or not (self._has_rule or manage_rule):
            return
        self._virtual = self._virtual_row(self.record)
        if not self._mentions_unprepared():
            self._check(connection)
        if manage_rule:
            self.manages = self._holds(connection, manage_rule)

    def finish(self, tx: Transaction) -> Outcome:
        if self._has_rule and self.needs_loop:
            for field in self._slow:
                self._virtual[field.name] = field.to_db(self.record[field.name])
            self._check(tx)
        if self.needs_loop:
            self._recheck_writable(tx)
        return self._save(tx)

    def _write_rule_holds(self, connection: Connection, rule: str, body: Mapping[str, BodyValue]) -> bool:
        record = self.lifecycle.blank()
        context = self.context.derive(body=self.lifecycle.body.apply(record, body, reveal=False))
        queries = self.core.queries
        return queries.virtual_holds(connection, self.collection, self._virtual_row(record), rule, context)

    def _virtual_row(self, record: Record) -> dict[str, SqlValue]:
        codec = self.core.codecs.of(self.collection)
        return virtual_row(record, codec.named(codec.row(record)))

    def _to_prepare(self) -> list[Field]:
        fields = super()._to_prepare()
        key = self.collection.field("id")
        if fields and key is not None:
            # Files are stored under the record's id.
            key.fill(self.record, is_new=True, now="")
        return fields

    @property
    def _has_rule(self) -> bool:
        return bool(self.rule) and not self.context.is_superuser

    def _mentions_unprepared(self) -> bool:
        """Whether the rule speaks of a value that is only known after its preparation, such as a hash."""
        return any(field.name in (self.rule or "") for field in self._slow if field.type != "file")

    def _check(self, connection: Connection) -> None:
        if self._has_rule and not self._holds(connection, self.rule):
            raise BadRequestError(CREATE_FAILED, cause="the create rule is not satisfied")

    def _holds(self, connection: Connection, rule: Rule) -> bool:
        return self.core.queries.virtual_holds(connection, self.collection, self._virtual, rule, self.context)
