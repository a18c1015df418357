"""A compiled query: its SQL with open parameters, and that SQL bound to a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from pbhost.database import Dialect, Sql
from pbhost.model import Collection

from . import slots
from .binding import Binding
from .condition import Condition
from .keyset import Keyset, Position, SortTerm, keyset_of
from .links import BASE, Joins, column
from .scopes import Placed, place
from .template import Template, join, parameter

#: Ids per statement at most; databases bound the parameters of one.
MAX_IDS = 1000
_MAX_TEXTS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledQuery:
    """The SQL of a rule, a filter and a sort for all requests that answer the same questions alike.

    Attributes:
        source: what the base row comes from; ``prefix`` defines it if it is not stored.
        conditions: which rows there are; joins: what they and the sort read.
        sorted_by: the aliases that the sort reads.
        views: the names of the joined collections that are views.
        order: the terms of ORDER BY, None for the natural order; terms: the same one by one.
        tie: what tells rows of equal sort keys apart; collection: whose rows they are.
        is_stored: whether the base row is one of a table.
        count_key: what tells rows apart.
        tables: the names of the collections that the result depends on (views: not what is behind them).
    """

    dialect: Dialect
    source: str
    prefix: Template
    conditions: tuple[Condition, ...]
    joins: Joins
    sorted_by: frozenset[str]
    views: frozenset[str]
    order: Template | None
    terms: tuple[SortTerm, ...]
    tie: SortTerm
    collection: Collection
    is_stored: bool
    count_key: str
    tables: frozenset[str]
    _placed: dict[tuple[bool, bool], Placed] = field(default_factory=dict, repr=False)
    _scanned: dict[bool, frozenset[str] | None] = field(default_factory=dict, repr=False)
    _texts: dict[tuple[object, ...], Template] = field(default_factory=dict, repr=False)

    @property
    def size(self) -> int:
        """Roughly the characters that it takes."""
        placed = self.placed(counting=False, by_sets=False)
        return len(placed.joins.text) + len(placed.where.text if placed.where else "") + 500

    def placed(self, *, counting: bool, by_sets: bool) -> Placed:
        """The conditions and the joins that remain.

        Args:
            counting: without what only the order needs.
            by_sets: for going through most of the rows, see :mod:`scopes`.
        """
        key = (counting, by_sets)
        found = self._placed.get(key)
        if found is None:
            found = self._placed[key] = place(
                self.conditions,
                self.joins,
                kept=() if counting else self.sorted_by,
                is_view=self.views.__contains__,
                by_sets=by_sets and self.is_stored,
            )
        return found

    def bind(self, binding: Binding) -> BoundQuery:
        """The query for one request."""
        return BoundQuery(self, binding)

    def scanned(self, counting: bool) -> frozenset[str] | None:
        """The tables that a query by sets goes through; None if it is the same as the other."""
        if counting not in self._scanned:
            by_sets = self.placed(counting=counting, by_sets=True)
            differs = by_sets != self.placed(counting=counting, by_sets=False)
            self._scanned[counting] = by_sets.scanned if differs else None
        return self._scanned[counting]

    def select(self, columns: Sequence[str], id_marks: int | None, by_sets: bool) -> Template:
        """``SELECT`` of some columns of the base row, in the order of the sort."""
        return self._cached(("select", *columns, id_marks, by_sets), lambda: self._select(columns, id_marks, by_sets))

    def count(self, id_marks: int | None, by_sets: bool) -> Template:
        """``SELECT`` of the number of rows."""
        return self._cached(("count", id_marks, by_sets), lambda: self._count(id_marks, by_sets))

    def exists(self, id_marks: int | None) -> Template:
        """``SELECT 1`` if there is any row."""

        def make() -> Template:
            return self._rows("1", self.placed(counting=True, by_sets=False), id_marks) + " LIMIT 1"

        return self._cached(("exists", id_marks), make)

    def keyset(self) -> Keyset:
        """The complete order of the rows.

        Raises:
            NoKeyset: the sort gives none.
        """
        return keyset_of(self.terms, self.collection, self.tie)

    def branch(
        self, columns: Sequence[str], keyset: Keyset, id_marks: int | None, start: int, condition: Template | None
    ) -> Template:
        """``SELECT`` of the rows of one part of what comes after a position, columns first, then the keys."""
        placed = self.placed(counting=False, by_sets=False)
        what = Template(self._columns(columns, placed) + ", ") + keyset.keys()
        return self._rows(what, placed, id_marks, condition) + " ORDER BY " + keyset.order(start)

    def _cached(self, key: tuple[object, ...], make: Callable[[], Template]) -> Template:
        text = self._texts.get(key)
        if text is None:
            if len(self._texts) >= _MAX_TEXTS:
                self._texts.clear()
            text = self._texts[key] = make()
        return text

    def _select(self, columns: Sequence[str], id_marks: int | None, by_sets: bool) -> Template:
        placed = self.placed(counting=False, by_sets=by_sets)
        out = self._rows(self._columns(columns, placed), placed, id_marks)
        if self.order is not None:
            out = out + " ORDER BY " + self.order
        return out

    def _columns(self, columns: Sequence[str], placed: Placed) -> str:
        # A view's rows are told apart by nothing but their values.
        distinct = placed.multiplies or (self.collection.is_view and bool(self.joins.joined))
        return ("DISTINCT " if distinct else "") + ", ".join(column(self.dialect, BASE, name) for name in columns)

    def _count(self, id_marks: int | None, by_sets: bool) -> Template:
        placed = self.placed(counting=True, by_sets=by_sets)
        distinct = placed.multiplies or self.collection.is_view
        return self._rows(f"COUNT(DISTINCT {self.count_key})" if distinct else "COUNT(*)", placed, id_marks)

    def _rows(
        self, what: str | Template, placed: Placed, id_marks: int | None, condition: Template | None = None
    ) -> Template:
        conditions = [] if id_marks is None else [self._ids(id_marks)]
        conditions += [part for part in (placed.where, condition) if part is not None]
        out = self.prefix + "SELECT " + what + f" FROM {self.source} {BASE}" + placed.joins
        return out + " WHERE " + join(" AND ", conditions) if conditions else out

    def _ids(self, marks: int) -> Template:
        id_ = column(self.dialect, BASE, "id")
        ids = [parameter(slots.RecordId(index)) for index in range(marks)]
        if marks == 1:
            return id_ + " = " + ids[0]
        return id_ + " IN (" + join(", ", ids) + ")" if marks else Template("1 = 0")


@dataclass(frozen=True, slots=True)
class BoundQuery:
    """A query for one request. Each method gives a statement for ``Connection.fetch_all`` and the like."""

    compiled: CompiledQuery
    binding: Binding

    def select(self, columns: Sequence[str], *, limit: int = 0, offset: int = 0, by_sets: bool = False) -> Sql:
        """The rows: some columns of the base row (with ``id`` among them), in the order of the sort.

        Args:
            limit: rows at most, 0 for all.
            offset: rows left out before; only together with ``limit``.
            by_sets: other tables are gone through once instead of looked up for each row; same rows, another cost.
                Fails with a :class:`MalformedValueError` on lists that are none, as only rows made by hand have them.
        """
        template = self.compiled.select(columns, self._id_marks(), by_sets)
        sql = self._sql(template)
        return Sql(sql.text + " LIMIT ? OFFSET ?", (*sql.params, limit, offset)) if limit else sql

    def after(self, columns: Sequence[str], position: Position | None) -> Iterator[Sql]:
        """The rows after a position (all, without one), as statements to be run in turn; each row ends with its keys.

        Raises:
            NoKeyset: the sort gives rows no place of their own.
        """
        compiled, marks = self.compiled, self._id_marks()
        keyset = compiled.keyset()
        if position is None:
            yield self._sql(compiled.branch(columns, keyset, marks, 0, None))
            return
        for start, condition in keyset.branches(position.keys):
            yield self._sql(compiled.branch(columns, keyset, marks, start, condition))

    def count(self, *, by_sets: bool = False) -> Sql:
        """One row with the number of rows; ``by_sets`` as in :meth:`select`."""
        return self._sql(self.compiled.count(self._id_marks(), by_sets))

    def scanned(self, *, counting: bool) -> frozenset[str] | None:
        """The tables that ``by_sets`` goes through; None if it makes no difference."""
        return self.compiled.scanned(counting)

    def exists(self) -> Sql:
        """One row if any row fits, else none."""
        return self._sql(self.compiled.exists(self._id_marks()))

    def ids(self) -> Sql:
        """The ids of the rows."""
        return self.select(("id",))

    @property
    def tables(self) -> frozenset[str]:
        """The names of the collections that the result depends on."""
        return self.compiled.tables

    def _id_marks(self) -> int | None:
        """How many marks stand for the ids: powers of two, so that there are few different texts."""
        ids = self.binding.ids
        return None if ids is None else 1 << (len(ids) - 1).bit_length() if ids else 0

    def _sql(self, template: Template) -> Sql:
        binding = self.binding
        return Sql(template.text, tuple([slot(binding) for slot in template.slots]))
