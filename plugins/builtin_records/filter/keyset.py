"""Keyset paging: the rows after a given one in the order of the sort, without counting those before it.

The sort keys and a tie-breaker (the row's number; the id in views) order the rows completely. What comes after a row is
the union of a few branches: those with the same keys and a later tie-breaker, those with the same first keys and a
later next one, and so on. Each branch is one range of an index that fits the sort, so they are run one after the other
until the page is full; a single condition with ORs would make the database walk through all rows of equal keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pbhost.database import SqlValue
from pbhost.model import Collection

from ..indexes import parse_index
from .errors import FilterError
from .template import Template, all_of, enclosed, join, parameter


class NoKeyset(FilterError):
    """The sort gives rows no place of their own: a random one, or one by several values per row."""


@dataclass(frozen=True, slots=True)
class SortTerm:
    """One term of ORDER BY.

    Attributes:
        sql: what is sorted by.
        column: the column of the base row, "" if it is something else.
        never_null: whether it has a value for every row.
        unique: whether no two rows share it.
        keyed: whether it has one fixed value for each row.
        aliases: those that it reads.
    """

    sql: Template
    descending: bool = False
    column: str = ""
    never_null: bool = False
    unique: bool = False
    keyed: bool = True
    aliases: frozenset[str] = frozenset()

    def spelled(self) -> Template:
        """As it stands in ORDER BY."""
        return self.sql + (" DESC" if self.descending else " ASC")


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended: the keys of its last row (tie-breaker included) and the row's id."""

    keys: tuple[SqlValue, ...]
    id: str


@dataclass(frozen=True, slots=True)
class PositionKey:
    """A key of the position, bound."""

    value: SqlValue

    def __call__(self, binding: object) -> SqlValue:
        return self.value


@dataclass(frozen=True, slots=True)
class Keyset:
    """The complete order of a query's rows."""

    terms: tuple[SortTerm, ...]
    #: Whether the last term is the number of the row.
    ends_with_row: bool

    def keys(self) -> Template:
        """The keys as they are selected."""
        return join(", ", [term.sql for term in self.terms])

    def order(self, start: int = 0) -> Template:
        """ORDER BY from a term on."""
        return join(", ", [term.spelled() for term in self.terms[start:]])

    def branches(self, keys: Sequence[SqlValue]) -> Iterator[tuple[int, Template]]:
        """What comes after a position, in order: conditions, and from which term on their rows are to be sorted."""
        same = [_same(term, key) for term, key in zip(self.terms, keys, strict=True)]
        for index in reversed(range(len(self.terms))):
            for condition in _later(self.terms[index], keys[index]):
                yield index, enclosed(all_of([*same[:index], condition]))


def keyset_of(terms: Sequence[SortTerm], collection: Collection, tie: SortTerm) -> Keyset:
    """The keyset of a sort.

    Raises:
        NoKeyset: there is none.
    """
    chosen: list[SortTerm] = []
    for term in terms:
        if not term.keyed:
            raise NoKeyset("a cursor needs a sort by one fixed value of each record")
        chosen.append(term)
        if term.unique:
            return Keyset(tuple(chosen), ends_with_row=False)
    tie = SortTerm(tie.sql, _tie_descends(chosen, collection), tie.column, never_null=True, unique=True)
    return Keyset((*chosen, tie), ends_with_row=not collection.is_view)


def _tie_descends(terms: Sequence[SortTerm], collection: Collection) -> bool:
    """The direction in which an index of the sort yields rows of equal keys, so that it can serve the whole order."""
    if not terms:
        return False
    wanted = [(term.column.lower(), term.descending) for term in terms]
    for text in collection.indexes:
        index = parse_index(text)
        columns = [(item.name.lower(), item.sort.upper() == "DESC") for item in index.columns]
        if index.where or columns == []:
            continue
        if columns == wanted:
            return False
        if columns == [(name, not descends) for name, descends in wanted]:
            return True
    return terms[-1].descending


def _same(term: SortTerm, key: SqlValue) -> Template:
    return term.sql + " IS NULL" if key is None else term.sql + " = " + parameter(PositionKey(key))


def _later(term: SortTerm, key: SqlValue) -> Iterator[Template]:
    """NULL comes before every value, and so last in a descending order."""
    if key is None:
        if not term.descending:
            yield term.sql + " IS NOT NULL"
        return
    yield term.sql + (" < " if term.descending else " > ") + parameter(PositionKey(key))
    if term.descending and not term.never_null:
        yield term.sql + " IS NULL"
