"""JSON values that keep their spelling: what a json field holds.

The text that a client sent as raw JSON is stored and sent back as it is, so a value is kept as its text and parsed only
when somebody looks inside.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import NoReturn

import orjson

from pbhost.errors import JSON

_RAW_START = frozenset('0123456789-"[{')
_LITERALS = frozenset({"null", "true", "false"})
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
_LARGEST_EXACT = 2**53


class JsonText:
    """A JSON value as text. Immutable; compares, iterates and is indexed like the value it stands for.

    Attributes:
        text: the JSON text, valid.
        value: the parsed value; parsed once, on first use. Change a copy and assign that.
    """

    __slots__ = ("_parsed", "_value", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._parsed = False
        self._value: JSON = None

    @property
    def value(self) -> JSON:
        if not self._parsed:
            parsed = _parse(self.text)
            self._value = None if isinstance(parsed, _Invalid) else parsed
            self._parsed = True
        return self._value

    def fragment(self) -> object:
        """What ``orjson.dumps`` writes as it is."""
        return orjson.Fragment(self.text.encode("utf-8", "replace"))

    def get(self, key: str, default: object = None) -> object:
        """A member of an object; ``default`` if there is none or the value is no object."""
        value = self.value
        return value.get(key, default) if isinstance(value, dict) else default

    def __getitem__(self, key: str | int) -> object:
        return self.value[key]  # type: ignore[index]  # a scalar raises TypeError, as it would itself

    def __iter__(self) -> Iterator[object]:
        return iter(self.value)  # type: ignore[arg-type]  # a scalar raises TypeError, as it would itself

    def __len__(self) -> int:
        return len(self.value)  # type: ignore[arg-type]  # a scalar raises TypeError, as it would itself

    def __contains__(self, item: object) -> bool:
        value = self.value
        return isinstance(value, (dict, list, str)) and item in value

    def __bool__(self) -> bool:
        return bool(self.value)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, JsonText):
            return self.text == other.text or self.value == other.value
        return bool(self.value == other)

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"JsonText({self.text!r})"


class BrokenJson(JsonText):
    """Stands for a value that has no JSON text; it never passes validation."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("null")


def json_of(value: object) -> JsonText | None:
    """The JSON value of something assigned to a json field; ``None`` for null (SQL NULL).

    A string that looks like JSON and is JSON is taken as raw JSON in its own spelling (records.md 12.13).
    """
    if value is None or isinstance(value, JsonText):
        return value
    if isinstance(value, str):
        looks_raw = value in _LITERALS or (value[:1] in _RAW_START and bool(value))
        return JsonText(value) if looks_raw and is_json(value) else JsonText(_spell(value))
    try:
        return JsonText(_spell_plain(value) if _is_plain(value) else _spell(value))
    except (RecursionError, TypeError):
        return _spelled_by_c(value)


def _spelled_by_c(value: object) -> JsonText:
    """The text of a value that nests deeper than our own speller can go."""
    try:
        return JsonText(_escaped(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))))
    except (RecursionError, TypeError, ValueError):
        return BrokenJson()


def json_from_column(value: object) -> JsonText | None:
    """The JSON value of a stored column; the column's numeric affinity makes numbers of top-level numbers."""
    if value is None:
        return None
    if isinstance(value, (int, float)):
        return JsonText(number_spelling(value))
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    text = str(value)
    return JsonText(text) if is_json(text) else JsonText(_spell(text))


def is_json(text: str) -> bool:
    """Whether the text is one JSON value."""
    try:
        orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeError):
        # orjson refuses escaped lone surrogates, which are valid JSON
        return "\\u" in text and not isinstance(_parse(text), _Invalid)
    return True


def number_spelling(number: float) -> str:
    """The shortest spelling of a double as JSON: plain for 1e-6 ≤ |x| < 1e21, else with an exponent (``1e+21``)."""
    if isinstance(number, int) and -_LARGEST_EXACT <= number <= _LARGEST_EXACT:
        return str(int(number))
    try:
        number = float(number)
    except OverflowError:
        return "0"
    if not math.isfinite(number):
        return "0"
    if number == 0 or 1e-6 <= abs(number) < 1e21:
        return format(Decimal(repr(number)), "f").removesuffix(".0")
    mantissa, _, exponent = repr(number).partition("e")
    return f"{mantissa.removesuffix('.0')}e{exponent[0]}{exponent[1:].lstrip('0')}"


def json_number(number: float) -> float:
    """A number as an answer shows it: ``5`` rather than ``5.0``; what JSON cannot say (NaN) is 0."""
    if isinstance(number, int):
        return number if -_LARGEST_EXACT <= number <= _LARGEST_EXACT else float(number)
    if not math.isfinite(number):
        return 0
    return int(number) if number.is_integer() and abs(number) <= _LARGEST_EXACT else number


def spell_json(value: object) -> str:
    """The canonical text of a parsed value: equal values have equal texts.

    Raises:
        RecursionError: it nests too deep.
    """
    return _spell(value)


def _spell(value: object) -> str:
    """Compact JSON with sorted keys, shortest numbers and the escapes of the wire format."""
    if isinstance(value, str):
        return _escaped(json.dumps(value, ensure_ascii=False))
    if value is None or isinstance(value, bool):
        return "null" if value is None else ("true" if value else "false")
    if isinstance(value, (int, float)):
        return number_spelling(value)
    if isinstance(value, JsonText):
        return value.text
    if isinstance(value, dict):
        members = (f"{_spell(str(key))}:{_spell(item)}" for key, item in sorted(value.items(), key=_by_key))
        return "{" + ",".join(members) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_spell, value)) + "]"
    return "null"


def _is_plain(value: object) -> bool:
    """Whether a faster encoder spells the value the same way: everything but doubles and huge integers."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if isinstance(value, dict):
        # A loop, and a look at the usual item first: a generator takes several times as long.
        for key, item in value.items():
            if type(key) is not str or not (type(item) is str or _is_plain(item)):
                return False
        return True
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return type(value) is int and abs(value) <= _LARGEST_EXACT


def _spell_plain(value: object) -> str:
    try:
        return _escaped(orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode())
    except TypeError:
        return _spell(value)  # lone surrogates


def _escaped(text: str) -> str:
    # Looking for the five costs a tenth of translating a text that has none of them.
    if "<" in text or ">" in text or "&" in text or "\u2028" in text or "\u2029" in text:
        return text.translate(_ESCAPES)
    return text


def _by_key(item: tuple[object, object]) -> str:
    return str(item[0])


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


class _Invalid:
    """Stands for a text that is not JSON, since ``None`` is a JSON value."""


def _parse(text: str) -> JSON | _Invalid:
    try:
        parsed: JSON = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return _Invalid()
    return parsed
