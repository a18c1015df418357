"""``CREATE INDEX`` texts of a collection: reading them and writing their canonical form (operations.md 6)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_QUOTES = "`\"'"
_MAX_LENGTH = 5_000
_NAME_LIMIT = 64

_IDENTIFIER = r"`[^`]*`|\"[^\"]*\"|'[^']*'|\[[^\]]*\]|[^\s()`\"'\[\].]+"
_INDEX = re.compile(
    rf"\s*create\s+(?P<unique>unique\s+)?index\s+(?P<optional>if\s+not\s+exists\s+)?"
    rf"(?P<name>(?:{_IDENTIFIER})(?:\s*\.\s*(?:{_IDENTIFIER}))*)\s*on\s*"
    rf"(?P<table>{_IDENTIFIER})\s*\(",
    re.IGNORECASE | re.DOTALL,
)
_WHERE = re.compile(r"\s*where\s+(?P<where>.+)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class IndexColumn:
    """One column or expression of an index."""

    name: str
    collate: str = ""
    sort: str = ""

    def canonical(self) -> str:
        """As it stands in the canonical text; an expression is not quoted."""
        name = self.name if "(" in self.name or " " in self.name else f"`{self.name}`"
        collate = f" COLLATE {self.collate}" if self.collate else ""
        return name + collate + (f" {self.sort.upper()}" if self.sort else "")


@dataclass(frozen=True, slots=True)
class Index:
    """A parsed ``CREATE INDEX``. One that could not be read has no name, no table or no column."""

    name: str = ""
    table: str = ""
    columns: tuple[IndexColumn, ...] = ()
    unique: bool = False
    optional: bool = False
    schema: str = ""
    where: str = ""

    @property
    def is_valid(self) -> bool:
        """Whether it names an index, a table and at least one column."""
        return bool(self.name and self.table and self.columns)

    def canonical(self) -> str:
        """The text that is executed; ``""`` for an invalid one."""
        if not self.is_valid:
            return ""
        unique = "UNIQUE " if self.unique else ""
        optional = "IF NOT EXISTS " if self.optional else ""
        schema = f"`{self.schema}`." if self.schema else ""
        columns = [column.canonical() for column in self.columns]
        listed = columns[0] if len(columns) == 1 else "\n  " + ",\n  ".join(columns) + "\n"
        where = f" WHERE {self.where}" if self.where else ""
        return f"CREATE {unique}INDEX {optional}{schema}`{self.name}` ON `{self.table}` ({listed}){where}"

    def on(self, table: str) -> Index:
        """The same index of another table."""
        return replace(self, table=table)

    def definition(self) -> str:
        """What makes two indexes the same thing whatever their names: the text without name, schema and table."""
        return replace(self, name="-", table="-", schema="", optional=False).canonical().lower()

    def single_column(self) -> str:
        """The column of a single-column index, lower-cased; ``""`` for others."""
        return self.columns[0].name.lower() if len(self.columns) == 1 else ""


def parse_index(text: str) -> Index:
    """Read a ``CREATE INDEX`` statement; an unreadable one gives an ``Index`` that is not valid."""
    head = _INDEX.match(text) if len(text) <= _MAX_LENGTH else None
    if head is None:
        return Index()
    closing = _closing_parenthesis(text, head.end())
    if closing < 0:
        return Index()
    rest = text[closing + 1 :].strip().rstrip(";").rstrip()
    where = _WHERE.fullmatch(rest) if rest else None
    if rest and where is None:
        return Index()
    schema, name = _schema_and_name(head["name"])
    columns = [_column(part) for part in _split_columns(text[head.end() : closing])]
    return Index(
        name=name,
        table=_unquote(head["table"]),
        columns=tuple(column for column in columns if column.name),
        unique=bool(head["unique"]),
        optional=bool(head["optional"]),
        schema=schema,
        where=where["where"].strip() if where else "",
    )


def unique_column_index(indexes: list[str], column: str) -> Index | None:
    """The unique index over exactly that column, whatever its WHERE and COLLATE; ``None`` without one."""
    for text in indexes:
        index = parse_index(text)
        if index.is_valid and index.unique and index.single_column() == column.lower():
            return index
    return None


def automatic_name(prefix: str, collection_id: str) -> str:
    """The name of an index that is added automatically."""
    return f"idx_{prefix}_{collection_id}"[:_NAME_LIMIT]


def _schema_and_name(text: str) -> tuple[str, str]:
    plain = re.sub(r"\s*\.\s*", ".", text.strip())
    first, dot, second = plain.partition(".") if plain[0] not in "`\"'[" else _split_quoted(plain)
    if not dot:
        return "", _unquote(first)
    return _unquote(first), _unquote(second)


def _split_quoted(text: str) -> tuple[str, str, str]:
    closing = text.find("]" if text[0] == "[" else text[0], 1)
    if text[closing + 1 : closing + 2] != ".":
        return text, "", ""
    return text[: closing + 1], ".", text[closing + 2 :]


def _unquote(text: str) -> str:
    return text.strip().strip("`\"'[]").strip()


def _column(text: str) -> IndexColumn:
    """``expr [COLLATE c] [ASC|DESC]``, read from its end, for an expression may hold anything."""
    name, sort, collate = text.strip(), "", ""
    head, *last = name.rsplit(None, 1)
    if last and last[0].lower() in ("asc", "desc"):
        name, sort = head, last[0].upper()
    head, *last = name.rsplit(None, 2)
    if len(last) == 2 and last[0].lower() == "collate":
        name, collate = head, _unquote(last[1])
    return IndexColumn(name if "(" in name else _unquote(name), collate, sort)


def _closing_parenthesis(text: str, start: int) -> int:
    depth = 1
    quote = ""
    for at in range(start, len(text)):
        char = text[at]
        if quote:
            quote = "" if char == quote else quote
        elif char in _QUOTES:
            quote = char
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            if depth == 0:
                return at
    return -1


def _split_columns(text: str) -> list[str]:
    """Parts between the commas that stand outside parentheses and quotes."""
    parts: list[str] = []
    depth = 0
    quote = ""
    start = 0
    for at, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in _QUOTES:
            quote = char
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    parts.append(text[start:])
    return [part for part in parts if part.strip()]
