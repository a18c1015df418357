"""A lexical reading of a view's SELECT: its columns and the tables they come from (operations.md 8.2).

This is no SQL parser. SQLite decides whether a query is valid; this only says which output column is a plain column of
which collection, and which is an expression, so that the view's fields can be inferred.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_MAX_LENGTH = 100_000
_SET_OPERATORS = frozenset({"union", "intersect", "except"})
_AFTER_TABLES = frozenset({"where", "group", "having", "order", "limit", "window"})
_JOIN_WORDS = frozenset({"inner", "left", "right", "full", "outer", "cross", "natural"})
_CLOSING = {"`": "`", '"': '"', "'": "'", "[": "]"}


class InvalidViewQuery(ValueError):
    """The query cannot be read as a view; the message is for the superuser who wrote it."""


@dataclass(frozen=True, slots=True)
class ViewColumn:
    """One output column: its expression as written and its name."""

    expression: str
    name: str

    @property
    def path(self) -> tuple[str, str] | None:
        """``(table alias, column)`` of a plain column, alias ``""`` if unqualified; ``None`` for an expression."""
        parts = _path(self.expression)
        if len(parts) == 1:
            return "", parts[0]
        return (parts[0], parts[1]) if len(parts) == 2 else None


@dataclass(frozen=True, slots=True)
class ViewSource:
    """One table of FROM and JOIN: its name, ``""`` for a sub-select, and the alias it is known by."""

    table: str
    alias: str


@dataclass(slots=True)
class ViewQuery:
    """What a SELECT says about its columns and sources, in order."""

    columns: list[ViewColumn] = field(default_factory=list)
    sources: list[ViewSource] = field(default_factory=list)

    def table_of(self, alias: str) -> str:
        """The table known by an alias; the first one of FROM for ``""``; ``""`` if there is none."""
        if not alias:
            return self.sources[0].table if self.sources else ""
        return next((source.table for source in self.sources if source.alias == alias), "")


def clean_query(query: str) -> str:
    """The query without surrounding blanks and semicolons.

    Raises:
        InvalidViewQuery: another statement follows, or it is too long.
    """
    if len(query) > _MAX_LENGTH:
        raise InvalidViewQuery("the query is too long")
    trimmed = query.strip(" \t\r\n;")
    if any(token.text == ";" for token in _tokens(trimmed)):
        raise InvalidViewQuery("multiple statements are not supported")
    return trimmed


def parse_view_query(query: str) -> ViewQuery:
    """Read the columns and sources of a (cleaned) query.

    Raises:
        InvalidViewQuery: no SELECT, an expression with blanks outside parentheses, a wildcard, a top-level UNION.
    """
    reader = _Reader()
    for token in _tokens(query):
        reader.take(token)
    return reader.finish()


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    bare: bool
    """Whether it is an unquoted word, which alone can be a keyword."""


class _Reader:
    """Sorts the tokens into the parts of a SELECT."""

    def __init__(self) -> None:
        self._query = ViewQuery()
        self._state = "start"
        self._parts: list[str] = []

    def take(self, token: _Token) -> None:
        word = token.text.lower() if token.bare else ""
        if word in _SET_OPERATORS and self._state != "start":
            raise InvalidViewQuery(f'invalid identifier part - expected "as", got {word}')
        if self._state == "start":
            # a leading WITH … is skipped: its bodies are parenthesised, so they never show as a SELECT here
            if word == "select":
                self._state = "columns"
        elif self._state == "columns":
            self._take_column(token, word)
        elif self._state in ("tables", "condition"):
            self._take_table(token, word)

    def finish(self) -> ViewQuery:
        self._flush()
        if self._state == "start" or not self._query.columns:
            raise InvalidViewQuery("not a select query")
        return self._query

    def _take_column(self, token: _Token, word: str) -> None:
        if word in ("distinct", "all") and not self._parts and not self._query.columns:
            return
        if word == "from" or word in _AFTER_TABLES:
            self._flush()
            self._state = "tables" if word == "from" else "done"
        elif token.text == ",":
            self._flush()
        else:
            self._parts.append(token.text)

    def _take_table(self, token: _Token, word: str) -> None:
        if word in _AFTER_TABLES:
            self._flush()
            self._state = "done"
        elif word == "join" or token.text == ",":
            # a comma inside an ON condition can only be the next table: its own commas are in parentheses
            self._flush()
            self._state = "tables"
        elif word in _JOIN_WORDS:
            self._flush()
            self._state = "condition"
        elif self._state == "tables":
            if word in ("on", "using") or word.startswith("using("):
                self._flush()
                self._state = "condition"
            else:
                self._parts.append(token.text)

    def _flush(self) -> None:
        parts, self._parts = self._parts, []
        if not parts:
            return
        expression, alias = _identifier(parts)
        if self._state == "columns":
            if _path(expression)[-1] == "*":
                raise InvalidViewQuery(
                    "wildcard columns (*) are not supported - manually type the collection field names "
                    "you want the view query to have"
                )
            self._query.columns.append(ViewColumn(expression, alias or _last_part(expression)))
        elif self._state in ("tables",):
            path = _path(expression)
            table = path[0] if len(path) == 1 and not expression.startswith("(") else ""
            self._query.sources.append(ViewSource(table, alias or path[-1]))


def _identifier(parts: list[str]) -> tuple[str, str]:
    """The expression and alias (``""`` if none) of ``expr [[as] alias]``."""
    if len(parts) == 1:
        return parts[0], ""
    if len(parts) == 2:
        return parts[0], _unquoted(parts[1])
    if len(parts) == 3:
        if parts[1].lower() != "as":
            raise InvalidViewQuery(f'invalid identifier part - expected "as", got {parts[1]}')
        return parts[0], _unquoted(parts[2])
    raise InvalidViewQuery(f"invalid identifier parts [{' '.join(parts)}]")


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and _CLOSING.get(text[0]) == text[-1] else text


def _path(expression: str) -> list[str]:
    """The dotted parts of a plain column, unquoted; any other expression stays one part."""
    parts = re.findall(r"`[^`]*`|\"[^\"]*\"|\[[^\]]*\]|[^.\s`\"\[\]]+", expression)
    if ".".join(parts) != expression or "(" in expression or expression.startswith("'"):
        return [expression]
    return [_unquoted(part) for part in parts]


def _last_part(expression: str) -> str:
    path = _path(expression)
    return path[-1] if path[-1] != expression else _unquoted(expression)


def _tokens(query: str) -> Iterator[_Token]:
    """Words separated by blanks, and commas and semicolons; quoted text and parentheses belong to their word."""
    at = 0
    end = len(query)
    while at < end:
        char = query[at]
        after = _comment_end(query, at)
        if after > at:
            at = after
        elif char.isspace():
            at += 1
        elif char in ",;":
            yield _Token(char, False)
            at += 1
        else:
            text, at = _word(query, at)
            yield _Token(text, text[0] not in "`\"'[(")


def _word(query: str, at: int) -> tuple[str, int]:
    text: list[str] = []
    while at < len(query):
        char = query[at]
        if char in " \t\r\n\f\v,;" or _comment_end(query, at) > at:
            break
        if char in _CLOSING:
            stop = _quoted_end(query, at)
            text.append(query[at:stop])
        elif char == "(":
            group, stop = _group(query, at)
            text.append(group)
        else:
            text.append(char)
            stop = at + 1
        at = stop
    return "".join(text), at


def _group(query: str, at: int) -> tuple[str, int]:
    """A parenthesised group without its comments, and where it ends."""
    text: list[str] = []
    depth = 0
    while at < len(query):
        char = query[at]
        after = _comment_end(query, at)
        if after > at:
            text.append(" ")
            at = after
            continue
        if char in _CLOSING:
            stop = _quoted_end(query, at)
            text.append(query[at:stop])
            at = stop
            continue
        depth += (char == "(") - (char == ")")
        text.append(char)
        at += 1
        if depth == 0:
            break
    return "".join(text), at


def _quoted_end(query: str, at: int) -> int:
    closing = query.find(_CLOSING[query[at]], at + 1)
    return len(query) if closing < 0 else closing + 1


def _comment_end(query: str, at: int) -> int:
    """Where the comment that starts at ``at`` ends; ``at`` itself when none starts there."""
    if query.startswith("--", at):
        stop = query.find("\n", at)
        return len(query) if stop < 0 else stop
    if query.startswith("/*", at):
        stop = query.find("*/", at + 2)
        return len(query) if stop < 0 else stop + 2
    return at
