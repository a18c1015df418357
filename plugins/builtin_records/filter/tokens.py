"""Filter text to tokens, one at a time, in linear time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from math import isinf

from .ast import Operator
from .errors import FilterError


class Kind(Enum):
    """What a token is."""

    IDENTIFIER = auto()
    NUMBER = auto()
    TEXT = auto()
    PLACEHOLDER = auto()
    SIGN = auto()
    JOIN = auto()
    OPEN = auto()
    CLOSE = auto()
    COMMA = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """One token: ``value`` is its text, for a quoted text the content with escapes resolved."""

    kind: Kind
    value: str
    start: int
    end: int


SIGNS = frozenset(sign.value for sign in Operator)
JOINS = frozenset(("&&", "||"))

# `\r` is deliberately no white space. Quantifiers are possessive: no input makes the matcher go back.
_SKIP = re.compile(r"(?:[ \t\n]++|//[^\n]*+)*+")
_IDENTIFIER = re.compile(r"[A-Za-z@_#][A-Za-z0-9_.:]*+")
_NUMBER = re.compile(r"-?[0-9.]*+")
_NUMBER_FORM = re.compile(r"-?[0-9]++(?:\.[0-9]++)?")
_SIGN = re.compile(r"[=?!><~]++")
_JOIN = re.compile(r"[&|]++")
_PLACEHOLDER = re.compile(r"\{:([A-Za-z0-9_]++)\}")
_QUOTED = {
    "'": re.compile(r"'[^'\\]*+(?:\\.[^'\\]*+)*+'", re.DOTALL),
    '"': re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL),
}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"'}
_GROUP_PART = re.compile(r"[()'\"]")
_SINGLE = {"(": Kind.OPEN, ")": Kind.CLOSE, ",": Kind.COMMA}


def next_token(text: str, at: int, end: int) -> Token:
    """The token at or after ``at``; :attr:`Kind.END` when only white space and comments are left before ``end``.

    Raises:
        FilterError: no token can start there, or it has a wrong form.
    """
    skipped = _SKIP.match(text, at, end)
    at = skipped.end() if skipped else at
    if at >= end:
        return Token(Kind.END, "", end, end)
    char = text[at]
    if char in _SINGLE:
        return Token(_SINGLE[char], char, at, at + 1)
    if char in _QUOTED:
        return _quoted(text, at, end)
    if char in "=?!><~":
        return _run(Kind.SIGN, text, at, end)
    if char in "&|":
        return _run(Kind.JOIN, text, at, end)
    if char == "-" or "0" <= char <= "9":
        return _number(text, at, end)
    if found := _IDENTIFIER.match(text, at, end):
        value = found.group()
        if value[-1] in ".:" or value in ("@", "_", "#"):
            raise FilterError(f"invalid identifier {value!r}", at)
        return Token(Kind.IDENTIFIER, value, at, found.end())
    if found := _PLACEHOLDER.match(text, at, end):
        return Token(Kind.PLACEHOLDER, found[1], at, found.end())
    raise FilterError(f"unexpected character {char!r}", at)


def closing_parenthesis(text: str, at: int, end: int, known: dict[int, int]) -> int:
    """Where the ``)`` is that belongs to the ``(`` at ``at``.

    Quoted text is skipped, comments are not: a quote or ``)`` in a comment inside parentheses counts.

    Args:
        known: the pairs found so far, filled on the way; it makes nested groups cost one pass in all.

    Raises:
        FilterError: there is none.
    """
    if at in known:
        return known[at]
    opened: list[int] = []
    next_at = at
    while found := _GROUP_PART.search(text, next_at, end):
        char = found.group()
        next_at = found.end()
        if char == "(":
            opened.append(found.start())
        elif char == ")":
            known[opened.pop()] = found.start()
            if not opened:
                return found.start()
        else:
            next_at = _quoted_end(text, found.start(), end)
    raise FilterError("missing closing parenthesis", at)


def _quoted_end(text: str, at: int, end: int) -> int:
    found = _QUOTED[text[at]].match(text, at, end)
    if found is None:
        raise FilterError("missing closing quote", at)
    return found.end()


def _quoted(text: str, at: int, end: int) -> Token:
    close = _quoted_end(text, at, end)
    value = _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[0]), text[at + 1 : close - 1])
    return Token(Kind.TEXT, value, at, close)


def _run(kind: Kind, text: str, at: int, end: int) -> Token:
    """A run of sign or join characters, which must be exactly one operator."""
    pattern, allowed = (_SIGN, SIGNS) if kind is Kind.SIGN else (_JOIN, JOINS)
    found = pattern.match(text, at, end)
    value = found.group() if found else ""
    if value not in allowed:
        raise FilterError(f"invalid operator {value[:20]!r}", at)
    return Token(kind, value, at, at + len(value))


def _number(text: str, at: int, end: int) -> Token:
    found = _NUMBER.match(text, at, end)
    value = found.group() if found else ""
    if not _NUMBER_FORM.fullmatch(value) or isinf(float(value)):
        raise FilterError(f"invalid number {value[:40]!r}", at)
    return Token(Kind.NUMBER, value, at, at + len(value))
