"""The SQL console: any text of a superuser, run as it is, answered as texts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pbhost.database import Compacting, Connection, Row, SqlValue, Transaction
from pbhost.errors import ConstraintError, DatabaseError, UniqueViolationError
from pbhost.model.ids import LOWER_ALPHANUMERIC, random_text
from pbhost.validation import number_text

if TYPE_CHECKING:
    from pbhost.database import Dialect, Engine

MAX_ROWS = 1000
_WRITE_TIMEOUT = 180.0
_WRITING = ("INSERT", "CREATE", "UPDATE", "DELETE", "DROP", "DETACH", "ALTER", "REPLACE")
_WRITING_WORD = re.compile(r"\b(?:INSERT|UPDATE|DELETE|REPLACE)\b")
_ROW_QUERY = re.compile(r"\s*(SELECT|WITH|VALUES)\b", re.IGNORECASE)
_QUOTED_NAME = re.compile(r"\{\{([\w\-. *]+)\}\}|\[\[([\w\-. *]+)\]\]")
#: What the text of a statement may hide a semicolon in.
_TOKEN = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|/\*.*?(?:\*/|\Z)|;|[^'"`\[;/-]+|.""",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class SqlResult:
    """What a query gave. Every value is a text or None; ``columns`` are names and declared types."""

    affected_rows: int = 0
    columns: list[tuple[str, str]] = field(default_factory=list)
    rows: list[list[str | None]] = field(default_factory=list)


class SqlConsole:
    """Runs queries on the application's database. No hooks, no live messages, no reload of what is cached."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    async def run(self, query: str) -> SqlResult:
        """Runs one or more statements.

        Raises:
            DatabaseError: the database refused; everything that was written is rolled back.
        """
        query = expand_names(query, self._database.dialect)
        if query.strip().upper().startswith(_WRITING):
            return SqlResult(
                await self._database.write(
                    lambda transaction: transaction.execute_script(query), exclusive=True, timeout=_WRITE_TIMEOUT
                )
            )
        if isinstance(self._database, Compacting) and [_word(item) for item in statements(query)] == ["VACUUM"]:
            await self._database.compact()
            return SqlResult()
        if any(_writes(statement) for statement in statements(query)):
            # Its first word does not tell: a comment stands before it, or a WITH clause.
            names, rows, _ = await self._database.write(
                lambda transaction: _read(transaction, query, bounded=False), exclusive=True, timeout=_WRITE_TIMEOUT
            )
            return _result(names, rows, [])
        names, rows, last = await self._database.read(lambda connection: _read(connection, query), lane="list")
        types = await self._types(last, len(names)) if last else []
        return _result(names, rows, types)

    async def _types(self, statement: str, width: int) -> list[str]:
        """The declared types of a query's columns: those of a view over it, which is never committed."""
        name = f"_pbhost_console_{random_text(8, LOWER_ALPHANUMERIC)}"

        def describe(transaction: Transaction) -> list[str]:
            quoted = transaction.dialect.quote(name)
            transaction.execute(f"CREATE TEMP VIEW {quoted} AS {statement}")
            try:
                described = transaction.fetch_all(transaction.dialect.columns_of(), (name,))
            finally:
                transaction.execute(f"DROP VIEW {quoted}")
            return [str(declared or "").upper() for _, declared in described]

        try:
            types = await self._database.write(describe, exclusive=True)
        except DatabaseError:
            # The rows are there; a query that cannot be a view only goes without types.
            return []
        return types if len(types) == width else []


def expand_names(query: str, dialect: Dialect) -> str:
    """The query with ``{{table}}`` and ``[[table.column]]`` as quoted identifiers."""

    def quoted(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        return ".".join(part if part == "*" else dialect.quote(part.strip()) for part in name.split("."))

    return _QUOTED_NAME.sub(quoted, query)


def statements(query: str) -> Iterator[str]:
    """The statements of a text, split at semicolons outside of quotes and comments; empty ones are left out."""
    current: list[str] = []
    for match in _TOKEN.finditer(query):
        if match[0] == ";":
            yield from _filled("".join(current))
            current = []
        else:
            current.append(match[0])
    yield from _filled("".join(current))


def _without_comments(statement: str) -> str:
    return re.sub(r"--[^\n]*|/\*.*?(?:\*/|\Z)", " ", statement, flags=re.DOTALL).strip()


def _word(statement: str) -> str:
    return _without_comments(statement).upper()


def _writes(statement: str) -> bool:
    plain = _word(statement)
    return plain.startswith(_WRITING) or (plain.startswith("WITH") and _WRITING_WORD.search(plain) is not None)


def _result(names: Sequence[str], rows: list[Row], types: list[str]) -> SqlResult:
    columns = [(name, types[index] if index < len(types) else "") for index, name in enumerate(names)]
    return SqlResult(0, columns, [[value_text(value) for value in row] for row in rows])


def _filled(statement: str) -> Iterator[str]:
    if _without_comments(statement):
        yield statement.strip()


def _read(connection: Connection, query: str, *, bounded: bool = True) -> tuple[Sequence[str], list[Row], str]:
    """Names, rows and text of the last statement; the text is "" if it is no query that could be a view."""
    names: Sequence[str] = ()
    rows: list[Row] = []
    last = ""
    for statement in statements(query):
        last = statement if bounded and _ROW_QUERY.match(_without_comments(statement)) else ""
        # Bounded in the database: the rows of a whole table must not be fetched to show a thousand.
        text = f"SELECT * FROM ({statement}\n) LIMIT {MAX_ROWS}" if last else statement
        names, rows = connection.column_names(text)
        if last:
            names = _own_names(names)
    return names, rows[:MAX_ROWS], last


def _own_names(names: Sequence[str]) -> list[str]:
    """The names as the query gave them: within a sub-query the second ``a`` is called ``a:1``."""
    own: list[str] = []
    for name in names:
        base, colon, number = name.rpartition(":")
        own.append(base if colon and number.isdigit() and base in own else name)
    return own


def value_text(value: SqlValue) -> str | None:
    """A value as the console shows it: integers decimal, floats in their shortest form."""
    match value:
        case None:
            return None
        case bytes():
            return value.decode("utf-8", "replace")
        case float() if value.is_integer() and abs(value) < 1e6:
            return str(int(value))
        case int() | float():
            return number_text(value)
        case _:
            return value


def driver_error(error: DatabaseError) -> str:
    """The reason in the words that clients of PocketBase know; a superuser's own query caused it."""
    text = str(error)
    if isinstance(error, UniqueViolationError):
        return f"constraint failed: {text} (2067)"
    if isinstance(error, ConstraintError):
        return f"constraint failed: {text} (19)"
    return f"SQL logic error: {text} (1)"
