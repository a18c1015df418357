"""JSON on the wire: lenient reading as the protocol asks for it, fast writing with integral floats as integers."""

from __future__ import annotations

import json
import math
import re
from typing import Final, cast

import orjson

from pbhost.errors import JSON, BadRequestError

#: From here on a double cannot hold every integer, and the protocol reads every number as a double.
_EXACT_INTEGERS: Final = 2**53
#: Bytes by whether they are digits. Looking for a long run in a body so translated is five times as fast as a pattern.
_DIGITS = bytes(ord("0") if chr(byte) in "0123456789" else ord(" ") for byte in range(256))
_LONG_INTEGER = b"0" * 16
_LEADING_SPACE = re.compile(r"[ \t\r\n]*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_DEPTH: Final = 900


class _Malformed(ValueError):
    pass


def _refuse_constant(name: str) -> float:
    raise _Malformed(name)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _Malformed("number out of range")
    return number


def loads(body: bytes) -> JSON:
    """The first JSON value of ``body``; what follows it is ignored.

    All numbers are doubles, so integers beyond 2^53 are rounded as a double rounds them. Invalid UTF-8 and lone
    surrogates become U+FFFD.

    Raises:
        BadRequestError: no JSON value, a number out of the range of a double, nesting beyond the bound.
    """
    try:
        value = cast(JSON, orjson.loads(body))
    except orjson.JSONDecodeError:
        # Rare and legal here: trailing bytes, broken UTF-8, lone surrogates. The slow reader decides.
        return _loads_first(body)
    return _as_doubles(value) if _LONG_INTEGER in body.translate(_DIGITS) else value


def _loads_first(body: bytes) -> JSON:
    text = body.decode("utf-8", "replace")
    start = _LEADING_SPACE.match(text)
    try:
        value = cast(JSON, _first_value.raw_decode(text, start.end() if start else 0)[0])
        return _without_surrogates(value, 0)
    except (ValueError, RecursionError) as error:
        raise BadRequestError(cause=f"malformed JSON body: {type(error).__name__}") from None


def _integer(text: str) -> int:
    # The int parser of Python is bounded to 4300 digits and exact; a double is what the protocol has.
    return int(text) if len(text) < 16 else int(_finite(text))


_first_value = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite, parse_int=_integer)


def _as_doubles(value: JSON) -> JSON:
    if isinstance(value, int) and not isinstance(value, bool):
        return value if -_EXACT_INTEGERS <= value <= _EXACT_INTEGERS else int(float(value))
    if isinstance(value, list):
        return [_as_doubles(item) for item in value]
    if isinstance(value, dict):
        return {key: _as_doubles(item) for key, item in value.items()}
    return value


def _without_surrogates(value: JSON, depth: int) -> JSON:
    if depth > _MAX_DEPTH:
        raise _Malformed("nesting too deep")
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_surrogates(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_SURROGATE.sub("\ufffd", key): _without_surrogates(item, depth + 1) for key, item in value.items()}
    return value


def dumps(value: object) -> bytes:
    """The JSON text of an answer, ended by a newline. Integral floats are written as integers (``5``, not ``5.0``).

    ``orjson.Fragment`` values pass through untouched. Objects with a ``to_json`` method go through
    it, sets become lists.

    Raises:
        TypeError: a value that cannot be written at all.
    """
    try:
        body = orjson.dumps(value, default=_plain, option=_OPTIONS)
    except TypeError:
        # Integers beyond 64 bits and lone surrogates are the only things that may stand in a dict and are refused.
        body = orjson.dumps(_normalised(value), default=_plain, option=_OPTIONS)
    if b".0" in body and _has_integral_float(value):
        body = orjson.dumps(_normalised(value), default=_plain, option=_OPTIONS)
    return body


_OPTIONS: Final = orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS


def _plain(value: object) -> object:
    to_json = getattr(value, "to_json", None)
    if callable(to_json):
        return cast(object, to_json())
    if isinstance(value, (set, frozenset)):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _has_integral_float(value: object) -> bool:
    if isinstance(value, float):
        return value.is_integer()
    if isinstance(value, dict):
        return any(_has_integral_float(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(_has_integral_float(item) for item in value)
    return False


def _normalised(value: object) -> object:
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < _EXACT_INTEGERS else value
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else float(value)
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {key: _normalised(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_normalised(item) for item in value]
    return value
