"""What SQLite makes of values, said once in Python: affinity, comparison, LIKE, JSON. Slow and plain on purpose.

``None`` as the result of a comparison is SQL's NULL. The facts are SQLite's documentation of data types and of its JSON
functions; ``test_values.py`` compares them with SQLite itself.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

Scalar: TypeAlias = "None | int | float | str"
Truth: TypeAlias = "bool | None"

_NUMBER = re.compile(r"[ \t\n\v\f\r]*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[ \t\n\v\f\r]*")


class Affinity(Enum):
    """What a side of a comparison does to the other side."""

    #: Literals, parameters, calls.
    NONE = auto()
    #: A column without a declared type, like ``json_each.value``.
    BLOB = auto()
    TEXT = auto()
    NUMERIC = auto()


@dataclass(frozen=True, slots=True)
class Cell:
    """A value and the affinity of the expression that it came from."""

    value: Scalar
    affinity: Affinity = Affinity.NONE


EMPTY = Cell("")


def equal(left: Cell, right: Cell) -> Truth:
    """``left = right``"""
    a, b = _converted(left, right)
    return None if a is None or b is None else _rank(a) == _rank(b)


def same(left: Cell, right: Cell) -> bool:
    """``left IS right``"""
    a, b = _converted(left, right)
    return b is None if a is None else b is not None and _rank(a) == _rank(b)


def ordered(left: Cell, sign: str, right: Cell) -> Truth:
    """``left < right`` and the like."""
    a, b = _converted(left, right)
    if a is None or b is None:
        return None
    x, y = _rank(a), _rank(b)
    return {"<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y}[sign]


def or_empty(cell: Cell) -> Cell:
    """``COALESCE(cell, '')``"""
    return Cell("" if cell.value is None else cell.value)


def sort_rank(value: Scalar) -> tuple[int, object]:
    """The key of ORDER BY: NULL, numbers, texts by their bytes."""
    return (-1, 0) if value is None else _rank(value)


def _rank(value: int | float | str) -> tuple[int, object]:
    return (1, value.encode()) if isinstance(value, str) else (0, value)


def _converted(left: Cell, right: Cell) -> tuple[Scalar, Scalar]:
    a, b = left.affinity, right.affinity
    if Affinity.NUMERIC in (a, b):
        return (
            left.value if a is Affinity.NUMERIC else as_number(left.value),
            right.value if b is Affinity.NUMERIC else as_number(right.value),
        )
    if {a, b} == {Affinity.TEXT, Affinity.NONE}:
        return as_text(left.value), as_text(right.value)
    return left.value, right.value


def as_number(value: Scalar) -> Scalar:
    """NUMERIC affinity: text that is a whole number literal becomes the number."""
    if isinstance(value, str) and (found := _NUMBER.fullmatch(value)):
        number = float(found[1])
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    return value


def as_text(value: Scalar) -> str | None:
    """``CAST(value AS TEXT)``: a double always shows its point."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(int(value))
    text = f"{value:.15g}"
    mantissa, e, exponent = text.partition("e")
    return (mantissa if "." in mantissa else f"{mantissa}.0") + e + exponent


def lower(value: Scalar) -> str | None:
    """``LOWER(value)``, ASCII only."""
    text = as_text(value)
    return None if text is None else "".join(c.lower() if c.isascii() else c for c in text)


# -- LIKE --------------------------------------------------------------------------------------------------------------


def like(left: Scalar, pattern: Scalar) -> Truth:
    r"""``left LIKE pattern ESCAPE '\'``"""
    text, wanted = lower(left), lower(pattern)
    return None if text is None or wanted is None else _like(text, wanted)


def _like(text: str, pattern: str) -> bool:
    if not pattern:
        return not text
    head, rest = pattern[0], pattern[1:]
    if head == "%":
        return any(_like(text[start:], rest) for start in range(len(text) + 1))
    if head == "\\":
        return bool(rest) and text[:1] == rest[0] and _like(text[1:], rest[1:])
    return bool(text) and head in ("_", text[0]) and _like(text[1:], rest)


def contains_pattern(value: Scalar) -> str | None:
    """``'%' || value || '%'``"""
    text = as_text(value)
    return None if text is None else f"%{text}%"


def like_pattern(value: Scalar) -> str | None:
    r"""The pattern of a parameter (records.md 8.3): as it is with an unescaped ``%``, else escaped between two."""
    if value is None:
        return None
    text = value if isinstance(value, str) else shortest(value)
    # `\\%` counts as an unescaped `%`: pairs of backslashes are taken from the left.
    if "%" in re.sub(r"\\.", "", text, flags=re.DOTALL):
        return text
    out = ""
    while text:
        text, char = text[:-1], text[-1]
        if char in "\\%_":
            text = text.removesuffix("\\")
            char = "\\" + char
        out = char + out
    return f"%{out}%"


def shortest(number: float) -> str:
    """A number as its shortest decimal text."""
    if isinstance(number, bool):
        return "true" if number else "false"
    return str(int(number)) if number == int(number) else repr(float(number))


# -- JSON --------------------------------------------------------------------------------------------------------------

_NO_JSON = object()


def json_extract(value: Scalar, path: list[str | int]) -> Scalar:
    """``JX(value, path)`` of records.md 8.4."""
    found = _parsed(value)
    if found is _NO_JSON:
        found = value
    for step in path:
        if isinstance(step, int):
            inside = isinstance(found, list) and step < len(found)
        else:
            inside = isinstance(found, dict) and step in found
        if not inside:
            return None
        found = found[step]
    return _unwrapped(found)


def json_items(value: Scalar) -> list[Scalar]:
    """The column ``value`` of ``EACH(value)``."""
    found = _parsed(value)
    return [_unwrapped(item) for item in found] if isinstance(found, list) else [value]


def json_length(value: Scalar) -> int:
    """``LEN(value)``"""
    found = _parsed(value)
    if isinstance(found, list):
        return len(found)
    return 0 if value is None or value == "" else 1


def _parsed(value: Scalar) -> object:
    if value is None:
        return _NO_JSON
    if isinstance(value, (int, float)):
        return value
    try:
        return json.loads(value, parse_constant=_refuse)
    except ValueError:
        return _NO_JSON


def _refuse(name: str) -> None:
    raise ValueError(name)


def _unwrapped(found: object) -> Scalar:
    if isinstance(found, bool):
        return int(found)
    if found is None or isinstance(found, (int, float, str)):
        return found
    return json.dumps(found, separators=(",", ":"), ensure_ascii=False)
