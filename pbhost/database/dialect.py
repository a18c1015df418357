"""How a database spells what differs between databases. One instance per engine; no state."""

from __future__ import annotations

from typing import Protocol

from pbhost.database.fragments import Sql
from pbhost.errors import DatabaseError
from pbhost.model.field import StorageKind


class Dialect(Protocol):
    """Spelling only: every method returns SQL text for expressions that are SQL text themselves; values stay bound."""

    name: str

    def quote(self, identifier: str) -> str:
        """An identifier in quotes, inner quotes escaped."""
        ...

    def qualified(self, table: str) -> str:
        """A table, quoted, by a name that no common table expression hides."""
        ...

    def column_type(self, kind: StorageKind, *, primary_key: bool = False) -> str:
        """The DDL of a column after its name: type, default, nullability."""
        ...

    def json_extract(self, expression: str, path: str) -> str:
        """The value at ``path`` (``""``, ``.a[0].b``) of a column that may hold JSON text, a number, or other text."""
        ...

    def json_each(self, expression: str) -> str:
        """A table expression with one row per item in column ``value``; a non-array counts as one item."""
        ...

    def list_items(self, expression: str) -> str:
        """As :meth:`json_each` for text that is a list nearly always, at less cost.

        Text that only begins like a list may fail the statement with a :class:`~pbhost.errors.MalformedValueError`.
        """
        ...

    def json_length(self, expression: str) -> str:
        """The number of items; 0 for empty and NULL, 1 for a non-array."""
        ...

    def like(self, left: str, right: str, *, negated: bool = False) -> str:
        """ASCII case-insensitive LIKE with the backslash as escape character."""
        ...

    def contains_pattern(self, expression: str) -> str:
        """``'%' || expression || '%'``."""
        ...

    def lower(self, expression: str) -> str:
        """ASCII lower case."""
        ...

    def collated_equal(self, left: str, right: str, collation: str) -> str:
        """Equality under a named collation of an index (``NOCASE``), written so that such an index serves it."""
        ...

    def is_same(self, left: str, right: str, *, negated: bool = False) -> str:
        """Null-safe equality (``IS``, ``IS NOT DISTINCT FROM``)."""
        ...

    def strftime(self, arguments: list[str]) -> str:
        """The formatted time of ``strftime(format, time, modifiers…)``."""
        ...

    def geo_distance(self, lon_a: str, lat_a: str, lon_b: str, lat_b: str) -> str:
        """Kilometres between two points."""
        ...

    def random(self) -> str:
        """A random number for ORDER BY."""
        ...

    def is_repeatable(self, sql: Sql) -> bool:
        """Whether a statement gives the same result for the same rows: it asks for no moment and no chance.

        When in doubt it is not. The statements behind views have to be asked for separately.
        """
        ...

    def row_number(self, alias: str) -> str:
        """The insertion order of a table's rows (``rowid``)."""
        ...

    def upsert(self, table: str, columns: list[str], key: list[str]) -> str:
        """INSERT of one row of ``?`` marks that updates the other columns when ``key`` exists."""
        ...

    def schema_objects(self) -> str:
        """A query for every table, view and index: ``(kind, name, table, definition)``; kind is ``table``, ``view`` or
        ``index``, an index that no statement created has an empty definition."""
        ...

    def columns_of(self) -> str:
        """A query with one ``?``, the name of a table or view: ``(column, declared type)`` in order."""
        ...

    def to_multiple(self, expression: str) -> str:
        """A single value as JSON list text: ``[]`` for nothing, a JSON array as it is, else a list of one."""
        ...

    def to_single(self, expression: str) -> str:
        """The last item of JSON list text, ``''`` for an empty one; text that is no JSON array as it is."""
        ...

    def optimize(self) -> tuple[str, ...]:
        """Statements that bring the statistics of the tables up to date, to be run in order in one transaction."""
        ...

    def translate_error(self, error: Exception) -> DatabaseError:
        """The driver's error as one of ours (unique violation with its columns, busy, unusable …)."""
        ...
