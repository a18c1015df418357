"""Which unique index makes a field usable as an identity, and how it compares (its COLLATE)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pbhost.model import Collection

_INDEX = re.compile(
    r"^\s*CREATE\s+UNIQUE\s+INDEX\s+.+?\s+ON\s+\S+\s*\(\s*(?P<columns>.*?)\s*\)\s*(?:WHERE\b.*)?;?\s*$",
    re.IGNORECASE | re.DOTALL,
)
_COLUMN = re.compile(
    r"""^(?:`(?P<tick>[^`]+)`|"(?P<quote>[^"]+)"|\[(?P<bracket>[^\]]+)\]|'(?P<single>[^']+)'|(?P<bare>\w+))
        (?:\s+COLLATE\s+[`"\[]?(?P<collate>\w+)[`"\]]?)?(?:\s+(?:ASC|DESC))?$""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class UniqueIndex:
    """A unique index over exactly one column."""

    column: str
    collate: str

    @property
    def ignores_case(self) -> bool:
        """Whether values that differ in ASCII case count as equal."""
        return self.collate.upper() == "NOCASE"


def parse(statement: str) -> UniqueIndex | None:
    """The index of a CREATE INDEX statement, None unless it is unique over one plain column."""
    index = _INDEX.match(statement)
    column = _COLUMN.match(index["columns"]) if index else None
    if column is None:
        return None
    name = next(column[kind] for kind in ("tick", "quote", "bracket", "single", "bare") if column[kind])
    return UniqueIndex(name, column["collate"] or "")


def single_column(collection: Collection, field: str) -> UniqueIndex | None:
    """The first unique index over exactly ``field``, or None."""
    for statement in collection.indexes:
        index = parse(statement)
        if index is not None and index.column.lower() == field.lower():
            return index
    return None
