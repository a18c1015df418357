"""Splitting a script into statements, and which of them may not run inside a transaction of the engine's."""

from __future__ import annotations

import re
import sqlite3
from functools import lru_cache

#: They would end or nest the shared transaction under other writes' feet, or reach files outside of the database.
_FORBIDDEN = frozenset(("BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE", "ATTACH", "DETACH", "VACUUM"))
_LEADING_NOISE = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?(?:\*/|$)|;)*", re.DOTALL)
_WORD = re.compile(r"[A-Za-z]+")
#: One of these has to stand in a statement that begins with WITH and changes something.
_CHANGING = re.compile(r"\b(?:INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)


def split(script: str) -> list[str]:
    """The statements of a script, in order, without empty ones. Quotes, comments and trigger bodies are respected."""
    out: list[str] = []
    pending = ""
    for piece in re.split(r"(?<=;)", script):
        pending += piece
        # SQLite knows itself where a statement ends: not at a semicolon inside of a string or of a trigger.
        if piece.endswith(";") and sqlite3.complete_statement(pending):
            out.append(pending)
            pending = ""
    out.append(pending)
    return [statement.strip() for statement in out if first_word(statement)]


def first_word(statement: str) -> str:
    """The first keyword in capitals; ``""`` if there is nothing but space, comments and semicolons."""
    noise = _LEADING_NOISE.match(statement)
    start = noise.end() if noise else 0
    word = _WORD.match(statement, start)
    if word:
        return word.group().upper()
    return statement[start : start + 1]


def is_forbidden(statement: str) -> bool:
    """Whether the statement may not run inside of a transaction."""
    return first_word(statement) in _FORBIDDEN


@lru_cache(maxsize=512)
def only_reads(statement: str) -> bool:
    """Whether a statement surely changes nothing; False for what would have to be parsed to know."""
    word = first_word(statement)
    return word == "SELECT" or (word == "WITH" and not _CHANGING.search(statement))
