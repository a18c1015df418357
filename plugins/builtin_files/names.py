"""The name under which an upload is stored: readable, unguessable, safe as a path segment and in a header."""

from __future__ import annotations

import re
from collections.abc import Callable

from pbhost.model.ids import LOWER_ALPHANUMERIC, random_text

MAX_CLIENT_NAME_BYTES = 300
MAX_ORIGINAL_NAME_BYTES = 255
MAX_EXTENSION = 20
MIN_BASE, MAX_BASE = 3, 100
RANDOM_LENGTH = 10

#: What a stored name must look like, also when code sets it: no leading dot or separator, no separator inside.
STORED_NAME = re.compile(r"[^./\\][^/\\]+")
MAX_STORED_NAME = 150

_NOT_EXTENSION = re.compile(r"[^A-Za-z0-9_.*\-+=#]+")
_WORDS = re.compile(r"[A-Za-z0-9]+")
_CAMEL = re.compile(r"(?<=[^A-Z])(?=[A-Z])")


def stored_name(client_name: str, detect_extension: Callable[[], str]) -> str:
    """A new stored name.

    Args:
        client_name: the file name that the client sent, possibly empty.
        detect_extension: gives the extension of the content (``.png``, or "" if unknown); called only when the name
            has no usable one.
    """
    client_name = _last_bytes(client_name, MAX_CLIENT_NAME_BYTES)
    raw = _raw_extension(client_name)
    extension = _clean_extension(raw) or detect_extension()
    base = snake_case(client_name[: len(client_name) - len(raw)].strip("."))
    if len(base) < MIN_BASE:
        base += _random_suffix()
    return f"{base[:MAX_BASE]}_{_random_suffix()}{extension}"


def original_name(client_name: str) -> str:
    """The client's name as kept in the metadata: its first 255 bytes, cut on a character boundary."""
    return first_bytes(client_name, MAX_ORIGINAL_NAME_BYTES)


def first_bytes(text: str, limit: int) -> str:
    """The longest beginning of ``text`` that has at most ``limit`` bytes in UTF-8."""
    return text.encode(errors="replace")[:limit].decode(errors="ignore")


def snake_case(text: str) -> str:
    """ASCII words in lower case joined by ``_``; a word also begins before an upper-case letter after another kind."""
    return "_".join(_CAMEL.sub("_", word) for word in _WORDS.findall(text)).lower()


def _raw_extension(name: str) -> str:
    """The last two dotted segments (``.tar.gz``), or the last one where there is only one dot."""
    last = name.rfind(".")
    if last < 0:
        return ""
    previous = name.rfind(".", 0, last)
    return name[last if previous < 0 else previous :]


def _clean_extension(raw: str) -> str:
    cleaned = _NOT_EXTENSION.sub("", raw).strip(".")
    if not cleaned:
        return ""
    if len(cleaned) + 1 > MAX_EXTENSION:
        cleaned = cleaned[-MAX_EXTENSION:].strip(".")
    return f".{cleaned}"


def _random_suffix() -> str:
    return random_text(RANDOM_LENGTH, LOWER_ALPHANUMERIC)


def _last_bytes(text: str, limit: int) -> str:
    return text.encode(errors="replace")[-limit:].decode(errors="ignore")
