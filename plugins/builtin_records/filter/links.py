"""The joins of a path. A path is a chain of links; each becomes one ``LEFT JOIN`` onto the alias before it.

The same chain is joined twice for a multi-valued path: onto the row itself, where equal links are shared by all paths
of the query, and with aliases of its own inside the sub-select that sees all values.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from pbhost.database import Dialect

from .errors import FilterError
from .template import ALWAYS, Slot, Template, join, parameter, spelled

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

    def __hash__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Items:
    """The items of a list column, in the column ``value``."""

    column: str
    multiplies: bool
    table: str = ""
    starts_anew: ClassVar[bool] = False

    def source(self, dialect: Dialect, before: str) -> Template:
        return Template(dialect.json_each(column(dialect, before, self.column)))

    def condition(self, dialect: Dialect, before: str, alias: str) -> Template:
        return ALWAYS


@dataclass(frozen=True, slots=True)
class SubmittedRows:
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


@dataclass(frozen=True, slots=True)
class RowOfId:
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
class RowsOfIds:
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


@dataclass(frozen=True, slots=True)
class AllRows:
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


def joined(dialect: Dialect, link: Link, before: str, alias: str) -> Template:
    """The ``LEFT JOIN`` of a link."""
    return " LEFT JOIN " + link.source(dialect, before) + f" {alias} ON " + link.condition(dialect, before, alias)


@dataclass(slots=True)
class Joins:
    """The joins of one query, in order; equal links onto the same alias are one join.

    Attributes:
        multiply: whether any join may give several rows for one.
        tables: the names of the joined collections.
    """

    dialect: Dialect
    prefix: str = "j"
    sql: list[Template] = field(default_factory=list)
    multiply: bool = False
    tables: set[str] = field(default_factory=set)
    _aliases: dict[Hashable, str] = field(default_factory=dict)

    def follow(self, start: str, links: Sequence[Link], space: str = "") -> str:
        """Joins a chain onto an alias and returns the alias of its last link.

        Args:
            space: chains of different spaces share nothing.
        """
        aliases = self.aliases(start, links, space)
        return aliases[-1] if aliases else start

    def aliases(self, start: str, links: Sequence[Link], space: str = "") -> list[str]:
        """As :meth:`follow`, but returns the alias of each link."""
        aliases: list[str] = []
        for link in links:
            key = (space, start, link)
            alias = self._aliases.get(key)
            if alias is None:
                if len(self.sql) == MAX_JOINS:
                    raise FilterError(f"more than {MAX_JOINS} joins")
                alias = self._aliases[key] = f"{self.prefix}{len(self._aliases) + 1}"
                self.sql.append(joined(self.dialect, link, start, alias))
                self.multiply = self.multiply or link.multiplies
                if link.table:
                    self.tables.add(link.table)
            start = alias
            aliases.append(alias)
        return aliases

    def all(self, count: int | None = None) -> Template:
        """The text of all joins, or of the first ``count``."""
        return join("", self.sql[:count])
