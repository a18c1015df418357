"""A compiled query: its SQL with open parameters, and that SQL bound to a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from pbhost.database import Dialect, Sql
from pbhost.model import Collection

from . import slots
from .binding import Binding
from .keyset import Keyset, Position, SortTerm, keyset_of
from .links import BASE, column
from .template import Template, join, parameter

#: Ids per statement at most; databases bound the parameters of one.
MAX_IDS = 1000
_MAX_TEXTS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledQuery:
    """The SQL of a rule, a filter and a sort for all requests that answer the same questions alike.

    Attributes:
        source: what the base row comes from; ``prefix`` defines it if it is not stored.
        joins: those of the conditions and of the sort.
        count_joins: those that decide which rows there are.
        where: the conditions, None for all rows.
        order: the terms of ORDER BY, None for the natural order; terms: the same one by one.
        tie: what tells rows of equal sort keys apart; collection: whose rows they are.
        distinct: whether a row may come several times.
        count_distinct: the same without the sort's joins.
        count_key: what tells rows apart.
        tables: the names of the collections that the result depends on (views: not what is behind them).
    """

    dialect: Dialect
    source: str
    prefix: Template
    joins: Template
    count_joins: Template
    where: Template | None
    order: Template | None
    terms: tuple[SortTerm, ...]
    tie: SortTerm
    collection: Collection
    distinct: bool
    count_distinct: bool
    count_key: str
    tables: frozenset[str]
    _texts: dict[tuple[object, ...], Template] = field(default_factory=dict, repr=False)

    @property
    def size(self) -> int:
        """Roughly the characters that it takes."""
        return len(self.joins.text) + len(self.where.text if self.where else "") + 500

    def bind(self, binding: Binding) -> BoundQuery:
        """The query for one request."""
        return BoundQuery(self, binding)

    def select(self, columns: Sequence[str], id_marks: int | None) -> Template:
        """``SELECT`` of some columns of the base row, in the order of the sort."""
        return self._cached(("select", *columns, id_marks), lambda: self._select(columns, id_marks))

    def count(self, id_marks: int | None) -> Template:
        """``SELECT`` of the number of rows."""
        return self._cached(("count", id_marks), lambda: self._count(id_marks))

    def exists(self, id_marks: int | None) -> Template:
        """``SELECT 1`` if there is any row."""
        return self._cached(("exists", id_marks), lambda: self._rows("1", self.count_joins, id_marks) + " LIMIT 1")

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
        names = ", ".join(column(self.dialect, BASE, name) for name in columns)
        what = Template(("DISTINCT " if self.distinct else "") + names + ", ") + keyset.keys()
        return self._rows(what, self.joins, id_marks, condition) + " ORDER BY " + keyset.order(start)

    def _cached(self, key: tuple[object, ...], make: Callable[[], Template]) -> Template:
        text = self._texts.get(key)
        if text is None:
            if len(self._texts) >= _MAX_TEXTS:
                self._texts.clear()
            text = self._texts[key] = make()
        return text

    def _select(self, columns: Sequence[str], id_marks: int | None) -> Template:
        names = ", ".join(column(self.dialect, BASE, name) for name in columns)
        out = self._rows(("DISTINCT " if self.distinct else "") + names, self.joins, id_marks)
        if self.order is not None:
            out = out + " ORDER BY " + self.order
        return out

    def _count(self, id_marks: int | None) -> Template:
        what = f"COUNT(DISTINCT {self.count_key})" if self.count_distinct else "COUNT(*)"
        return self._rows(what, self.count_joins, id_marks)

    def _rows(
        self, what: str | Template, joins: Template, id_marks: int | None, condition: Template | None = None
    ) -> Template:
        conditions = [] if id_marks is None else [self._ids(id_marks)]
        conditions += [part for part in (self.where, condition) if part is not None]
        out = self.prefix + "SELECT " + what + f" FROM {self.source} {BASE}" + joins
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

    def select(self, columns: Sequence[str], *, limit: int = 0, offset: int = 0) -> Sql:
        """The rows: some columns of the base row (with ``id`` among them), in the order of the sort.

        Args:
            limit: rows at most, 0 for all.
            offset: rows left out before; only together with ``limit``.
        """
        template = self.compiled.select(columns, self._id_marks())
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

    def count(self) -> Sql:
        """One row with the number of rows."""
        return self._sql(self.compiled.count(self._id_marks()))

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
