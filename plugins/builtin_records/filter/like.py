"""The pattern that a bound value becomes on the right of ``~`` and ``!~``."""

from __future__ import annotations

import re

from pbhost.database import SqlValue

from .printer import plain_number

# A `%` with an even number of backslashes before it; every escaped character is stepped over as a pair.
_WILDCARD = re.compile(r"(?:[^\\%]|\\.)*+%", re.DOTALL)


def like_pattern(value: SqlValue) -> SqlValue:
    """The value itself if it has an unescaped ``%``, else the escaped value between two ``%``; NULL stays NULL."""
    if value is None:
        return None
    text = _text(value)
    return text if _WILDCARD.match(text) else f"%{escape_like(text)}%"


def escape_like(text: str) -> str:
    """The text with ``\\``, ``%`` and ``_`` escaped; a backslash directly before one already counts as its escape.

    Scanned from the right, as the target does: in ``a\\\\b`` the second backslash is escaped by the first.
    """
    out: list[str] = []
    at = len(text) - 1
    while at >= 0:
        char = text[at]
        out.append(char)
        at -= 1
        if char in "\\%_":
            out.append("\\")
            if at >= 0 and text[at] == "\\":
                at -= 1
    return "".join(reversed(out))


def _text(value: str | bytes | int | float) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case bytes():
            return value.decode("utf-8", "replace")
        case int():
            return str(value)
        case float():
            return plain_number(value)
