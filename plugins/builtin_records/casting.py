"""How a submitted or stored value becomes a value of a field: never an error, always a value.

The rules are those of records.md 12.1. A value arrives as what JSON, a form or SQLite can give: ``None``, ``bool``,
``int``, ``float``, ``str``, ``list`` or ``dict``.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal

_TRUE_TEXTS = frozenset({"1", "t", "T", "TRUE", "true", "True"})

# "_" may stand between two digits only; a hexadecimal literal needs its binary exponent.
_DIGITS = r"\d(?:_?\d)*"
_HEX_DIGITS = r"[0-9a-f](?:_?[0-9a-f])*"
_DECIMAL = re.compile(rf"[+-]?(?:{_DIGITS}\.?(?:{_DIGITS})?|\.{_DIGITS})(?:e[+-]?{_DIGITS})?", re.IGNORECASE | re.ASCII)
_HEXADECIMAL = re.compile(
    rf"[+-]?0x_?(?:{_HEX_DIGITS}\.?(?:{_HEX_DIGITS})?|\.{_HEX_DIGITS})p[+-]?{_DIGITS}", re.IGNORECASE | re.ASCII
)
_INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)

# A literal longer than this cannot come from a number anybody wrote; parsing it would only burn time.
_MAX_LITERAL = 1000


def to_text(value: object) -> str:
    """``str(x)``: strings as they are, numbers in plain decimal, everything that has no text form is ``""``."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return plain_decimal(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return ""


def plain_decimal(number: float) -> str:
    """The shortest round-trip spelling of a number as a double, without an exponent and without ``.0``."""
    if isinstance(number, int) and -(2**53) <= number <= 2**53:
        return str(int(number))
    number = _as_double(number)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    text = format(Decimal(repr(number)), "f")
    return text[:-2] if text.endswith(".0") else text


def to_number(value: object) -> float:
    """``num(x)``: a double; text that is not entirely a float literal, or overflows, is 0."""
    if isinstance(value, float):
        return value
    if isinstance(value, (bool, int)):
        return _as_double(value)
    if isinstance(value, str):
        return _number_from_text(value)
    return 0.0


def _as_double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return 0.0


def _number_from_text(text: str) -> float:
    if not text or len(text) > _MAX_LITERAL:
        return 0.0
    if _DECIMAL.fullmatch(text):
        number = float(text.replace("_", ""))
        return 0.0 if math.isinf(number) else number
    if _HEXADECIMAL.fullmatch(text):
        try:
            return float.fromhex(text.replace("_", ""))
        except OverflowError:
            return 0.0
    if _INFINITE.fullmatch(text):
        return -math.inf if text.startswith("-") else math.inf
    return math.nan if text.lower() == "nan" else 0.0


def to_bool(value: object) -> bool:
    """``bool(x)``: numbers other than 0 and the usual spellings of true are true, everything else is false."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return value != 0
    return isinstance(value, str) and value in _TRUE_TEXTS


def to_list(value: object) -> list[str]:
    """``list(x)``: the distinct non-empty texts of a value, in order; the first of equal ones stays."""
    return list(dict.fromkeys(text for text in _items(value) if text))


def _items(value: object) -> list[str]:
    if value is None or value == "" or isinstance(value, dict):
        return []
    if isinstance(value, str):
        return _items_of_text(value) if "[" in value else [value]
    if isinstance(value, (list, tuple, set, frozenset)):
        if any(isinstance(item, (list, tuple, dict)) for item in value):
            return []
        return [to_text(item) for item in value]
    return [to_text(value)]


def _items_of_text(text: str) -> list[str]:
    """A JSON array of strings; an item of another kind keeps the whole text as one more item."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return [text]
    if not isinstance(parsed, list):
        return [text]
    strings = [item for item in parsed if isinstance(item, str)]
    if all(item is None or isinstance(item, str) for item in parsed):
        return strings
    return [*strings, text]
