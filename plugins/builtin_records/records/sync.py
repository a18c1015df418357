"""The records service inside a database thread: what plain hooks use, and what the asynchronous face runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

from pbhost.database import Connection, Row, Transaction
from pbhost.errors import BadRequestError, DatabaseError, ForbiddenError
from pbhost.model import Collection, Record, RequestContext, Rule
from pbhost.model.dates import format_date

from ..filter import BoundQuery, NoKeyset, Position
from .aftermath import Aftermath
from .core import Core
from .cursor import rows_after
from .expand import Expander, ExpandTree, Source, parse_expand
from .faults import NOT_SUPERUSER
from .former import held_before


class _Code(RequestContext):
    """Code that acts on its own behalf: no rule stops it."""

    @property
    def is_superuser(self) -> bool:
        return True


_CODE = _Code()


class RecordsWithin:
    """Provides :class:`pbhost.services.SyncRecords` on one connection."""

    def __init__(self, core: Core, connection: Connection, aftermath: Aftermath | None = None) -> None:
        self._core = core
        self._connection = connection
        self._aftermath = aftermath or Aftermath(core.app)

    # -- reading -----------------------------------------------------------------------------------------------------

    def find(
        self, collection: Collection | str, id: str, *, expand: str = "", as_: RequestContext | None = None
    ) -> Record | None:
        target = self._core.collection(collection)
        queries = self._core.queries
        if as_ is None:
            row = queries.row(self._connection, target, id)
        else:
            row = queries.row_under_rule(self._connection, target, id, target.view_rule, as_)
        return self._records(target, [row], expand, as_)[0] if row is not None else None

    def find_first(
        self,
        collection: Collection | str,
        filter: str,
        params: Mapping[str, object] | None = None,
        *,
        sort: str = "",
        expand: str = "",
        as_: RequestContext | None = None,
    ) -> Record | None:
        found = self.find_many(collection, filter, params, sort=sort, limit=1, expand=expand, as_=as_)
        return found[0] if found else None

    def find_many(
        self,
        collection: Collection | str,
        filter: str = "",
        params: Mapping[str, object] | None = None,
        *,
        sort: str = "",
        limit: int = 0,
        offset: int = 0,
        expand: str = "",
        as_: RequestContext | None = None,
        restricted: bool = False,
    ) -> list[Record]:
        target = self._core.collection(collection)
        query = self._search(target, filter, params, sort, as_, restricted=restricted)
        names = self._core.codecs.of(target).names
        try:

            def fetch(by_sets: bool) -> list[Row]:
                most = limit or (2**62 if offset else 0)
                return self._connection.fetch_all(query.select(names, limit=most, offset=offset, by_sets=by_sets))

            rows = self._core.sizes.best(self._connection, query, fetch, counting=not limit)
        except DatabaseError as error:
            raise BadRequestError(f"the query failed: {error}") from error
        return self._records(target, rows, expand, as_)

    def batch(
        self,
        collection: Collection | str,
        filter: str,
        params: Mapping[str, object] | None,
        *,
        sort: str,
        limit: int,
        after: Position | None,
        as_: RequestContext | None,
        restricted: bool = False,
    ) -> tuple[list[Record], Position | None]:
        """Some records after a position, and the position of the last one if there are more.

        Raises:
            BadRequestError: as :meth:`find_many`, or the sort gives records no place of their own.
        """
        target = self._core.collection(collection)
        query = self._search(target, filter, params, sort, as_, restricted=restricted)
        codec = self._core.codecs.of(target)
        try:
            rows, end = rows_after(self._connection, query, codec, after, limit)
        except DatabaseError as error:
            raise BadRequestError(f"the query failed: {error}") from error
        return [codec.record(row) for row in rows], end

    def has_keyset(
        self, collection: Collection | str, sort: str, *, as_: RequestContext | None = None, restricted: bool = False
    ) -> bool:
        """Whether a sort gives each record a place of its own.

        Raises:
            BadRequestError: the sort is not valid.
        """
        try:
            query = self._search(self._core.collection(collection), "", None, sort, as_, restricted=restricted)
            query.compiled.keyset()
        except NoKeyset:
            return False
        return True

    def count(
        self,
        collection: Collection | str,
        filter: str = "",
        params: Mapping[str, object] | None = None,
        *,
        as_: RequestContext | None = None,
        restricted: bool = False,
    ) -> int:
        query = self._search(self._core.collection(collection), filter, params, "", as_, restricted=restricted)
        try:

            def fetch(by_sets: bool) -> Row | None:
                return self._connection.fetch_one(query.count(by_sets=by_sets))

            row = self._core.sizes.best(self._connection, query, fetch, counting=True)
        except DatabaseError as error:
            raise BadRequestError(f"the query failed: {error}") from error
        return int(row[0] or 0) if row else 0

    def satisfies(self, record: Record, rule: Rule, context: RequestContext, *, filter: str = "") -> bool:
        return self._core.queries.holds(self._connection, record.collection, record.id, rule, context, filter=filter)

    def would_satisfy(self, record: Record, rule: Rule, context: RequestContext, *, filter: str = "") -> bool:
        codec = self._core.codecs.of(record.collection)
        row = codec.named(codec.row(record))
        return self._core.queries.virtual_holds(self._connection, record.collection, row, rule, context, filter=filter)

    def satisfied_before(
        self,
        collection: Collection,
        ids: Sequence[str],
        rule: Rule,
        context: RequestContext,
        deleted: Sequence[Record],
        *,
        filter: str = "",
    ) -> set[str]:
        return held_before(
            self._core.queries,
            self._connection,
            collection,
            ids,
            rule,
            context=context,
            deleted=deleted,
            filter=filter,
        )

    def enrich(self, records: Sequence[Record], context: RequestContext, *, expand: str = "") -> None:
        self.prepare_answer(records, context, expand=expand)
        self._core.answers.run_enrich_hooks_in(self._connection, records, context)

    def prepare_answer(self, records: Sequence[Record], context: RequestContext, *, expand: str = "") -> None:
        """As :meth:`enrich`, without the hooks."""
        tree = parse_expand(expand)
        groups: dict[str, list[Record]] = {}
        for record in records:
            groups.setdefault(record.collection.id, []).append(record)
        for group in groups.values():
            self._core.answers.enrich(self._connection, group, context, tree)

    # -- writing -----------------------------------------------------------------------------------------------------

    def save(self, record: Record, *, context: RequestContext | None = None, validate: bool = True) -> Record:
        tx = self._transaction()
        with tx.savepoint():
            self._core.saving.save(tx, record, self._aftermath, context=context, validate=validate)
        return record

    def delete(self, record: Record, *, context: RequestContext | None = None) -> None:
        tx = self._transaction()
        with tx.savepoint():
            self._core.deleting.delete(tx, record, self._aftermath, context=context)

    # -- parts -------------------------------------------------------------------------------------------------------

    def _transaction(self) -> Transaction:
        if not hasattr(self._connection, "record_change"):
            raise RuntimeError("this connection only reads; write in a transaction")
        return cast(Transaction, self._connection)

    def _search(
        self,
        collection: Collection,
        filter: str,
        params: Mapping[str, object] | None,
        sort: str,
        as_: RequestContext | None,
        *,
        restricted: bool = False,
    ) -> BoundQuery:
        if restricted and as_ is None:
            raise ValueError("restricted needs as_: whose words they are")
        rule: Rule = ""
        if as_ is not None:
            rule = collection.list_rule
            if rule is None and not as_.is_superuser:
                raise ForbiddenError(NOT_SUPERUSER)
        values = {name: _bindable(value) for name, value in params.items()} if params else None
        return self._core.queries.search(
            collection, as_, filter=filter, sort=sort, values=values, rule=rule, as_client=restricted
        )

    def _records(
        self, collection: Collection, rows: Sequence[Row], expand: str, as_: RequestContext | None
    ) -> list[Record]:
        codec = self._core.codecs.of(collection)
        records = [codec.record(row) for row in rows]
        tree = parse_expand(expand)
        if tree is not None and rows:
            self._expand(collection, rows, records, tree, as_ or _CODE)
        return records

    def _expand(
        self,
        collection: Collection,
        rows: Sequence[Row],
        records: Sequence[Record],
        tree: ExpandTree,
        context: RequestContext,
    ) -> None:
        core = self._core
        source = Source(core.app, core.queries, core.codecs, core.answers.field_rules)
        expander = Expander(source, _Plain(core), self._connection, context)
        expander.expand(collection, rows, records, tree)


class _Plain:
    """Expanded records for code: as they are, nothing shown or hidden."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def build(
        self, connection: Connection, collection: Collection, rows: Sequence[Row], context: RequestContext
    ) -> list[Record]:
        codec = self._core.codecs.of(collection)
        return [codec.record(row) for row in rows]

    def attach(self, node: Record, segment: str, value: Record | list[Record] | None) -> None:
        if node.expand is None:
            node.expand = {}
        if value is not None:
            node.expand[segment] = value


def _bindable(value: object) -> object:
    """What code may bind besides plain values: moments as stored dates, records as their ids."""
    if isinstance(value, datetime):
        return format_date(value)
    return value.id if isinstance(value, Record) else value
