"""Collections with their rows, requests, and why a question has no answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

from .values import Affinity, Scalar


class Refused(Exception):
    """The expression cannot be evaluated: 400."""


class Forbidden(Exception):
    """A client's text names ``@request.`` or ``@collection.``: 403."""


class TooLarge(Exception):
    """The join has too many rows to go through them one by one."""


#: A row as it is stored: SQLite's values by column.
Row: TypeAlias = Mapping[str, Scalar]


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field: what the language can see of it."""

    name: str
    type: str
    multiple: bool = False
    target: str = ""
    hidden: bool = False

    @property
    def affinity(self) -> Affinity:
        if self.type in ("number", "bool", "json", "geoPoint") or self.multiple:
            return Affinity.NUMERIC
        return Affinity.TEXT


@dataclass(kw_only=True)
class Table:
    """A collection with its rows."""

    name: str
    id: str
    fields: list[Field]
    rows: list[Row] = field(default_factory=list)
    is_auth: bool = False
    list_rule: str | None = ""
    #: Single columns with a unique index of their own.
    unique: frozenset[str] = frozenset()

    def field(self, name: str) -> Field | None:
        return next((item for item in self.fields if item.name == name), None)


@dataclass(frozen=True)
class JsonBody:
    """The submitted value of a json field: its text, and the value it stands for."""

    text: str | None
    value: object


@dataclass(kw_only=True)
class Request:
    """What ``@request`` speaks of."""

    context: str = "default"
    method: str = "GET"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] = field(default_factory=dict)
    #: The caller's collection and row, None for a guest.
    auth: tuple[Table, Row] | None = field(default=None, repr=False)
    now: datetime = datetime(2024, 2, 29, 13, 4, 5, 678_000, UTC)

    @property
    def is_superuser(self) -> bool:
        return self.auth is not None and self.auth[0].name == "_superusers"


@dataclass(frozen=True)
class World:
    """All collections."""

    tables: Sequence[Table]

    def find(self, name_or_id: str) -> Table | None:
        for table in self.tables:
            if name_or_id == table.id or name_or_id.lower() == table.name.lower():
                return table
        return None
