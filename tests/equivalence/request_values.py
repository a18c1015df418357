"""Values of a request as they are looked up and bound (8.7)."""

from __future__ import annotations

import json
from collections.abc import Mapping

from .values import Scalar, lower, shortest
from .world import JsonBody


def member(value: object, segment: str) -> object:
    if isinstance(value, JsonBody):
        value = value.value
    if isinstance(value, Mapping):
        return value.get(segment)
    if isinstance(value, list) and segment.isdecimal():
        return value[int(segment)] if int(segment) < len(value) else None
    return None


def bound(value: object, *, is_number: bool) -> Scalar:
    match value:
        case None:
            return None
        case str():
            try:
                return float(value) if is_number else value
            except ValueError:
                return value
        case bool():
            return value
        case int() | float():
            return float(value)
        case JsonBody(text):
            return text
        case _:
            return json.dumps(value, separators=(",", ":"), sort_keys=True)


def lowered(value: object) -> Scalar:
    match value:
        case str():
            return lower(value)
        case bool() | int() | float():
            return shortest(value)
        case JsonBody(text):
            return lower(text)
        case _:
            return ""
