"""SQL as values: text with its bound parameters, composed without ever putting a value into text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

#: What can be bound to a statement and come back in a row.
SqlValue: TypeAlias = "None | int | float | str | bytes"


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL and the parameters of its ``?`` marks, in order."""

    text: str
    params: tuple[SqlValue, ...] = ()

    def __add__(self, other: Sql | str) -> Sql:
        if isinstance(other, str):
            return Sql(self.text + other, self.params)
        return Sql(self.text + other.text, self.params + other.params)

    def __radd__(self, other: str) -> Sql:
        return Sql(other + self.text, self.params)

    def wrapped(self) -> Sql:
        """In parentheses."""
        return Sql(f"({self.text})", self.params)


def bind(value: SqlValue) -> Sql:
    """One bound value."""
    return Sql("?", (value,))


def join(separator: str, parts: Iterable[Sql]) -> Sql:
    """Pieces with a separator between them."""
    parts = list(parts)
    return Sql(separator.join(part.text for part in parts), tuple(value for part in parts for value in part.params))
