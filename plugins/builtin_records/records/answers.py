"""Rows as a caller sees them: hidden fields, e-mail visibility, expand (records.md 6).

Two forms of the same: JSON objects straight from the rows, and Record objects for collections whose records some hook
wants to see before they are sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pbhost.database import Connection, Row
from pbhost.hooks.events import RecordEnrichEvent
from pbhost.model import Collection, Record, RequestContext

from .chains import Chains
from .codec import Codecs, Encode
from .expand import Expander, ExpandTree, Source
from .fieldrules import FieldRules, hide_unreadable
from .queries import Queries
from .saving import wait_for

if TYPE_CHECKING:
    from pbhost.app import App

_ENRICH = "on_record_enrich"


class Answers:
    """Makes answers of rows."""

    def __init__(self, app: App, codecs: Codecs, queries: Queries, chains: Chains) -> None:
        self._app = app
        self._codecs = codecs
        self._queries = queries
        self._chains = chains
        self.field_rules = FieldRules(codecs, queries)
        self._source = Source(app, queries, codecs, self.field_rules)
        self._objects = _Objects(codecs, self)
        self._records = _Records(codecs, self)

    def needs_records(self, collection: Collection, expand: str) -> bool:
        """Whether an enrich hook wants to see what is sent: then it has to be made of Record objects.

        An expand may reach any collection.
        """
        if self._chains.of(collection).enrich is not None:
            return True
        return bool(expand) and self._app.hooks.is_implemented(_ENRICH)

    # -- in a database thread ----------------------------------------------------------------------------------------

    def objects(
        self,
        connection: Connection,
        collection: Collection,
        rows: Sequence[Row],
        context: RequestContext,
        expand: ExpandTree | None = None,
    ) -> list[dict[str, object]]:
        """The public JSON objects of rows."""
        nodes = self._objects.build(connection, collection, rows, context)
        if expand is not None and rows:
            Expander(self._source, self._objects, connection, context).expand(collection, rows, nodes, expand)
        return nodes

    def records(
        self,
        connection: Connection,
        collection: Collection,
        rows: Sequence[Row],
        context: RequestContext,
        expand: ExpandTree | None = None,
    ) -> list[Record]:
        """The same as Record objects; enrich hooks have not run yet."""
        nodes = self._records.build(connection, collection, rows, context)
        if expand is not None and rows:
            Expander(self._source, self._records, connection, context).expand(collection, rows, nodes, expand)
        return nodes

    def enrich(
        self,
        connection: Connection,
        records: Sequence[Record],
        context: RequestContext,
        expand: ExpandTree | None = None,
    ) -> None:
        """Does it to existing records, in place; enrich hooks have not run yet. The records are of one collection."""
        if not records:
            return
        collection = records[0].collection
        codec = self._codecs.of(collection)
        rows = [tuple(codec.row(record)) for record in records]
        self._records.prepare(connection, collection, rows, records, context, may_be_gone=True)
        if expand is not None:
            Expander(self._source, self._records, connection, context).expand(collection, rows, records, expand)

    def shown_emails(
        self, connection: Connection, collection: Collection, rows: Sequence[Row], context: RequestContext
    ) -> set[str]:
        """The ids of auth records whose e-mail the caller sees although its owner hides it."""
        if context.is_superuser:
            return {str(row[self._codecs.of(collection).id_index]) for row in rows}
        shown: set[str] = set()
        if context.auth is not None:
            shown.add(context.auth.id)
        rule = collection.options.get("manageRule")
        if isinstance(rule, str) and rule:
            index = self._codecs.of(collection).id_index
            ids = [str(row[index]) for row in rows if row[index] not in shown]
            if ids:
                shown |= self._queries.holding(connection, collection, ids, rule, context)
        return shown

    def run_enrich_hooks_in(self, connection: Connection, records: Sequence[Record], context: RequestContext) -> None:
        """Runs the enrich hooks from a database thread.

        Raises:
            NeedsExclusive: one of them is asynchronous, and the thread must not wait.
        """
        implementations = self._app.hooks.implementations.get(_ENRICH)
        if not implementations:
            return
        if any(item.kind.startswith("async") for item in implementations):
            wait_for(connection, lambda: self.run_enrich_hooks(records, context))
            return
        for record, whose in _innermost_first(records, context):
            chain = self._chains.of(record.collection).enrich
            if chain is not None:
                chain.run_sync(self._event(record, whose), lambda: None)

    # -- on the event loop -------------------------------------------------------------------------------------------

    async def run_enrich_hooks(self, records: Sequence[Record], context: RequestContext) -> None:
        """Runs the enrich hooks of records and of what they were expanded by, innermost first."""
        if not self._app.hooks.is_implemented(_ENRICH):
            return
        for record, whose in _innermost_first(records, context):
            chain = self._chains.of(record.collection).enrich
            if chain is not None:
                await chain.run(self._event(record, whose), _nothing)

    def _event(self, record: Record, context: RequestContext) -> RecordEnrichEvent:
        return RecordEnrichEvent(app=self._app, collection=record.collection, record=record, context=context)


def _innermost_first(records: Sequence[Record], context: RequestContext) -> Iterator[tuple[Record, RequestContext]]:
    """Records with those they are expanded by, each once, and the context in which it is shown."""
    seen: set[int] = set()

    def walk(some: Sequence[Record], whose: RequestContext) -> Iterator[tuple[Record, RequestContext]]:
        for record in some:
            if id(record) in seen:
                continue
            seen.add(id(record))
            if record.expand:
                below = whose if whose.context == "expand" else whose.derive(context="expand")
                for value in record.expand.values():
                    yield from walk(value if isinstance(value, list) else [value], below)
            yield record, whose

    return walk(records, context)


async def _nothing() -> None:
    """The operation inside of enrich hooks: everything is done before them."""


class _Objects:
    """Rows to JSON objects."""

    def __init__(self, codecs: Codecs, answers: Answers) -> None:
        self._codecs = codecs
        self._answers = answers

    def build(
        self, connection: Connection, collection: Collection, rows: Sequence[Row], context: RequestContext
    ) -> list[dict[str, object]]:
        nodes = self._encoded(connection, collection, rows, context)
        unreadable = self._answers.field_rules.unreadable(connection, collection, rows, context)
        if unreadable:
            index = self._codecs.of(collection).id_index
            for row, node in zip(rows, nodes, strict=True):
                for name in unreadable.get(str(row[index]), ()):
                    node.pop(name, None)
        return nodes

    def _encoded(
        self, connection: Connection, collection: Collection, rows: Sequence[Row], context: RequestContext
    ) -> list[dict[str, object]]:
        codec = self._codecs.of(collection)
        encode: Encode = codec.encode_all if context.is_superuser else codec.encode
        if not collection.is_auth or context.is_superuser:
            return [encode(row, False) for row in rows]
        shown = self._answers.shown_emails(connection, collection, rows, context)
        index = codec.id_index
        return [encode(row, row[index] in shown) for row in rows]

    def attach(
        self, node: dict[str, object], segment: str, value: dict[str, object] | list[dict[str, object]] | None
    ) -> None:
        expand = node.setdefault("expand", {})
        if value is not None and isinstance(expand, dict):
            expand[segment] = value


class _Records:
    """Rows to Record objects."""

    def __init__(self, codecs: Codecs, answers: Answers) -> None:
        self._codecs = codecs
        self._answers = answers

    def build(
        self, connection: Connection, collection: Collection, rows: Sequence[Row], context: RequestContext
    ) -> list[Record]:
        codec = self._codecs.of(collection)
        records = [codec.record(row) for row in rows]
        self.prepare(connection, collection, rows, records, context)
        return records

    def prepare(
        self,
        connection: Connection,
        collection: Collection,
        rows: Sequence[Row],
        records: Sequence[Record],
        context: RequestContext,
        *,
        may_be_gone: bool = False,
    ) -> None:
        rules = self._answers.field_rules
        hide_unreadable(records, rules.unreadable(connection, collection, rows, context, may_be_gone=may_be_gone))
        if context.is_superuser:
            names = [field.name for field in collection.fields if field.hidden]
            for record in records:
                record.show(*names)
                record.show_email = True
        elif collection.is_auth:
            shown = self._answers.shown_emails(connection, collection, rows, context)
            for record in records:
                record.show_email = record.id in shown

    def attach(self, node: Record, segment: str, value: Record | list[Record] | None) -> None:
        if node.expand is None:
            node.expand = {}
        if value is not None:
            node.expand[segment] = value
