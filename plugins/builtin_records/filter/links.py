"""The joins of a path. A path is a chain of links; each becomes one ``LEFT JOIN`` onto the alias before it.

The same chain is joined twice for a multi-valued path: onto the row itself, where equal links are shared by all paths
of the query, and with aliases of its own inside the sub-select that sees all values.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from pbhost.database import Dialect

from .errors import FilterError
from .template import ALWAYS, Slot, Template, all_of, join, parameter, spelled

#: The alias of the row that a query is about.
BASE = "c"
#: What the common databases can join; it also bounds what a client can make us build.
MAX_JOINS = 60


class Link(Protocol):
    """One join. Links are compared to find out which paths share it."""

    @property
    def multiplies(self) -> bool:
        """Whether one row before it can become several."""
        ...

    @property
    def table(self) -> str:
        """The collection that is joined, "" if it is none."""
        ...

    @property
    def starts_anew(self) -> bool:
        """Whether the row before does not matter."""
        ...

    def source(self, dialect: Dialect, before: str) -> Template:
        """What is joined, as a table expression."""
        ...

    def condition(self, dialect: Dialect, before: str, alias: str) -> Template:
        """Which of its rows belong to the row ``before``."""
        ...

    def some(self, dialect: Dialect, before: str, alias: str, inner: Template) -> Template:
        """That one of its rows fulfils a condition; where possible, looked up once for all rows before.

        Lists are taken to be lists: see :meth:`Dialect.list_items`.
        """
        ...

    def __hash__(self) -> int: ...


class _Searched:
    """A link whose rows are best searched for each row before it."""

    __slots__ = ()

    def some(self: Link, dialect: Dialect, before: str, alias: str, inner: Template) -> Template:
        conditions = all_of((self.condition(dialect, before, alias), inner))
        return "EXISTS (SELECT 1 FROM " + self.source(dialect, before) + f" {alias} WHERE " + conditions + ")"


@dataclass(frozen=True, slots=True)
class Items(_Searched):
    """The items of a list column, in the column ``value``."""

    column: str
    multiplies: bool
    table: str = ""
    starts_anew: ClassVar[bool] = False

    def source(self, dialect: Dialect, before: str) -> Template:
        return Template(dialect.json_each(column(dialect, before, self.column)))

    def condition(self, dialect: Dialect, before: str, alias: str) -> Template:
        return ALWAYS

    def some(self, dialect: Dialect, before: str, alias: str, inner: Template) -> Template:
        items = dialect.list_items(column(dialect, before, self.column))
        return f"EXISTS (SELECT 1 FROM {items} {alias} WHERE " + inner + ")"


@dataclass(frozen=True, slots=True)
class SubmittedRows(_Searched):
    """The items of a bound JSON array, in the column ``value``."""

    slot: Slot
    multiplies: bool
    table: str = ""
    starts_anew: ClassVar[bool] = True

    def source(self, dialect: Dialect, before: str) -> Template:
        return spelled(dialect.json_each, parameter(self.slot))

    def condition(self, dialect: Dialect, before: str, alias: str) -> Template:
        return ALWAYS


@dataclass(frozen=True, slots=True)
class RowById:
    """The row of a table whose id stands in a column of the row before (or in the items of a list)."""

    table: str
    column: str
    multiplies: bool = False
    starts_anew: ClassVar[bool] = False

    def source(self, dialect: Dialect, before: str) -> Template:
        return Template(dialect.quote(self.table))

    def condition(self, dialect: Dialect, before: str, alias: str) -> Template:
        return Template(f"{column(dialect, alias, 'id')} = {column(dialect, before, self.column)}")

    def some(self, dialect: Dialect, before: str, alias: str, inner: Template) -> Template:
        ids = f"SELECT {column(dialect, alias, 'id')} FROM {dialect.quote(self.table)} {alias} WHERE " + inner
        return f"{column(dialect, before, self.column)} IN (" + ids + ")"


@dataclass(frozen=True, slots=True)
class RowOfId(_Searched):
    """The row of a table whose id is bound."""

    table: str
    slot: Slot
    multiplies: bool = False
    starts_anew: ClassVar[bool] = True

    def source(self, dialect: Dialect, before: str) -> Template:
        return Template(dialect.quote(self.table))

    def condition(self, dialect: Dialect, before: str, alias: str) -> Template:
        return column(dialect, alias, "id") + " = " + parameter(self.slot)


@dataclass(frozen=True, slots=True)
class RowsOfIds(_Searched):
    """The rows of a table whose ids are bound as a JSON array."""

    table: str
    slot: Slot
    multiplies: bool
    starts_anew: ClassVar[bool] = True

    def source(self, dialect: Dialect, before: str) -> Template:
        return Template(dialect.quote(self.table))

    def condition(self, dialect: Dialect, before: str, alias: str) -> Template:
        ids = spelled(dialect.json_each, parameter(self.slot))
        return column(dialect, alias, "id") + " IN (SELECT value FROM " + ids + ")"


@dataclass(frozen=True, slots=True)
class Referrers:
    """The rows of a table that refer to the row before through a relation field."""

    table: str
    column: str
    is_list: bool
    multiplies: bool = True
    starts_anew: ClassVar[bool] = False

    def source(self, dialect: Dialect, before: str) -> Template:
        return Template(dialect.quote(self.table))

    def condition(self, dialect: Dialect, before: str, alias: str) -> Template:
        own = column(dialect, before, "id")
        reference = column(dialect, alias, self.column)
        if not self.is_list:
            return Template(f"{reference} = {own}")
        return Template(f"{own} IN (SELECT value FROM {dialect.json_each(reference)})")

    def some(self, dialect: Dialect, before: str, alias: str, inner: Template) -> Template:
        own, table = column(dialect, before, "id"), f"{dialect.quote(self.table)} {alias}"
        reference = column(dialect, alias, self.column)
        if self.is_list:
            item = f"{alias}_item"
            table, reference = f"{table}, {dialect.list_items(reference)} {item}", column(dialect, item, "value")
        return f"{own} IN (SELECT {reference} FROM {table} WHERE " + inner + ")"


@dataclass(frozen=True, slots=True)
class AllRows(_Searched):
    """Every row of a table, whatever the row before; ``name`` keeps independent uses apart."""

    table: str
    name: str
    multiplies: bool = True
    starts_anew: ClassVar[bool] = True

    def source(self, dialect: Dialect, before: str) -> Template:
        return Template(dialect.quote(self.table))

    def condition(self, dialect: Dialect, before: str, alias: str) -> Template:
        return ALWAYS


def column(dialect: Dialect, alias: str, name: str) -> str:
    """A column of an alias."""
    return f"{alias}.{dialect.quote(name)}"


@dataclass(frozen=True, slots=True)
class Joined:
    """One join of a query: a link from the alias ``before``."""

    alias: str
    before: str
    link: Link
    sql: Template


def _joined(dialect: Dialect, link: Link, before: str, alias: str) -> Joined:
    condition = link.condition(dialect, before, alias)
    sql = " LEFT JOIN " + link.source(dialect, before) + f" {alias} ON " + condition
    return Joined(alias, before, link, sql)


@dataclass(slots=True)
class Joins:
    """The joins of one query, in order; equal links onto the same alias are one join.

    Attributes:
        joined: each by its alias.
        tables: the names of the joined collections.
    """

    dialect: Dialect
    prefix: str = "j"
    joined: dict[str, Joined] = field(default_factory=dict)
    tables: set[str] = field(default_factory=set)
    _aliases: dict[Hashable, str] = field(default_factory=dict)

    def follow(self, start: str, links: Sequence[Link], space: str = "") -> list[str]:
        """Joins a chain onto an alias and returns the alias of each link.

        Args:
            space: chains of different spaces share nothing.
        """
        aliases: list[str] = []
        for link in links:
            key = (space, start, link)
            alias = self._aliases.get(key)
            if alias is None:
                if len(self.joined) == MAX_JOINS:
                    raise FilterError(f"more than {MAX_JOINS} joins")
                alias = self._aliases[key] = f"{self.prefix}{len(self._aliases) + 1}"
                self.joined[alias] = _joined(self.dialect, link, start, alias)
                if link.table:
                    self.tables.add(link.table)
            start = alias
            aliases.append(alias)
        return aliases

    def chain(self, alias: str) -> list[Joined]:
        """The joins that lead to an alias, its own last."""
        found: list[Joined] = []
        while (one := self.joined.get(alias)) is not None:
            found.append(one)
            alias = one.before
        return found[::-1]

    def of(self, aliases: Collection[str]) -> list[Joined]:
        """The joins of some aliases with those that lead to them, in order."""
        needed = {one.alias for alias in aliases for one in self.chain(alias)}
        return [one for alias, one in self.joined.items() if alias in needed]

    def all(self) -> Template:
        """The text of all joins."""
        return join("", [one.sql for one in self.joined.values()])
