"""``?fields=``: keep only the named parts of a JSON answer.

    pick(record, "id,title:excerpt(100,true),expand.author.name")

The expression is a comma separated list of paths. A path descends objects and, element by element, arrays of objects;
``*`` as the last segment keeps the keys of its level that are not named explicitly; ``name:modifier(args)`` changes
the value on its way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from pbhost.errors import JSON

#: Paths beyond these bounds are refused like a bad modifier: nobody needs them and parsing must stay cheap.
MAX_EXPRESSION = 8192
MAX_DEPTH = 32

_PAGED_KEYS = ("page", "perPage", "totalItems", "totalPages")
_MODIFIER = re.compile(r"(\w+)(?:\((.*)\))?", re.DOTALL)
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})

Modifier: TypeAlias = Callable[[JSON], JSON]


class FieldsError(ValueError):
    """The expression has an invalid modifier; PocketBase answers 200 with an empty body then."""


@dataclass(slots=True)
class _Level:
    """What is kept of one level of an object: named keys, and perhaps all the others."""

    keys: dict[str, _Level] = field(default_factory=dict)
    modifier: Modifier | None = None
    rest: bool = False
    rest_modifier: Modifier | None = None
    #: Named itself, not only passed through: everything below it is kept.
    whole: bool = False


def pick(data: JSON, expression: str) -> JSON:
    """The parts of ``data`` that the expression names.

    Args:
        data: a record, a list of values, or a paginated result, whose ``items`` are addressed then.
        expression: the value of the query parameter; empty keeps everything.

    Raises:
        FieldsError: an unknown or malformed modifier.
    """
    if not expression.strip():
        return data
    plan = parse_fields(expression)
    if isinstance(data, dict) and isinstance(items := data.get("items"), list) and all(k in data for k in _PAGED_KEYS):
        return {**data, "items": [_apply(item, plan) for item in items]}
    return _apply(data, plan)


@lru_cache(maxsize=512)
def parse_fields(expression: str) -> _Level:
    """The plan of an expression, cached by its text.

    Raises:
        FieldsError: an unknown or malformed modifier, or an expression beyond the bounds.
    """
    if len(expression) > MAX_EXPRESSION:
        raise FieldsError(f"the fields expression is longer than {MAX_EXPRESSION} characters")
    root = _Level()
    for entry in split_entries(expression):
        path, colon, modifier_text = entry.partition(":")
        modifier = _parse_modifier(modifier_text.strip()) if colon else None
        segments = [segment.strip() for segment in path.split(".")]
        if len(segments) > MAX_DEPTH:
            raise FieldsError(f"a path of the fields expression is deeper than {MAX_DEPTH}")
        level = root
        for segment in segments[:-1]:
            level = level.keys.setdefault(segment, _Level())
        if segments[-1] == "*":
            level.rest, level.rest_modifier = True, modifier
        else:
            leaf = level.keys.setdefault(segments[-1], _Level())
            leaf.whole, leaf.modifier = True, modifier
    return root


def split_entries(expression: str) -> list[str]:
    """The entries of an expression; commas inside parentheses or quotes do not split. Empty entries are dropped."""
    entries: list[str] = []
    current: list[str] = []
    depth = 0
    quote = ""
    for char in expression:
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"`":
            quote = char
        elif char == "(":
            depth += 1
        elif char == ")":
            depth = max(0, depth - 1)
        elif char == "," and depth == 0:
            entries.append("".join(current))
            current = []
            continue
        current.append(char)
    entries.append("".join(current))
    return [stripped for entry in entries if (stripped := entry.strip())]


def _parse_modifier(text: str) -> Modifier:
    matched = _MODIFIER.fullmatch(text)
    if matched is None or matched[1] != "excerpt":
        raise FieldsError(f"unknown modifier {text!r}")
    arguments = [part.strip().strip("'\"`") for part in (matched[2] or "").split(",")]
    if len(arguments) > 2 or not re.fullmatch(r"\+?[0-9]{1,9}", arguments[0]) or int(arguments[0]) <= 0:
        raise FieldsError("excerpt needs (max, withEllipsis?) with max greater than 0")
    flag = arguments[1] if len(arguments) == 2 else "false"
    if flag not in _TRUE | _FALSE:
        raise FieldsError(f"excerpt: {flag!r} is not a boolean")
    # The HTML parser of the standard library is slow to import and seldom needed.
    from pbhost.http.excerpt import excerpt

    limit, with_ellipsis = int(arguments[0]), flag in _TRUE
    return lambda value: excerpt(value, limit, with_ellipsis) if isinstance(value, str) else value


def _apply(data: JSON, level: _Level) -> JSON:
    if isinstance(data, list):
        return [_apply(item, level) for item in data]
    if not isinstance(data, dict):
        return data
    kept: dict[str, JSON] = {}
    for key, value in data.items():
        below = level.keys.get(key)
        if below is None:
            if level.rest:
                kept[key] = value if level.rest_modifier is None else level.rest_modifier(value)
        elif below.whole:
            kept[key] = value if below.modifier is None else below.modifier(value)
        else:
            kept[key] = _apply(value, below)
    return kept
