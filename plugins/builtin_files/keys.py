"""Storage keys (``collectionId/recordId/name``) and how they are spelled on disk."""

from __future__ import annotations

import re
import sys

from builtin_files import attrs

#: What only means something to running processes starts like this; no stored file does, and backups leave it out.
PROCESS_PREFIX = ".pbhost-"
_ON_WINDOWS = sys.platform == "win32"
_ESCAPED = re.compile(r"__0x([0-9a-fA-F]+)__")
_TO_ESCAPE = re.compile(r"[\x00-\x1f]|(?<=\.\.)/|(?<=/)/|/\Z" + (r'|[\\<>:"|?*]' if _ON_WINDOWS else ""))
# An object store needs less: its keys are no paths, only control characters and "../" confuse its clients.
_TO_ESCAPE_IN_BUCKET = re.compile(r"[\x00-\x1f]|(?<=\.\.)/")


class InvalidKeyError(OSError, ValueError):
    """The text cannot be a key: it would leave the storage, or collide with a side file."""


def check_key(key: str) -> str:
    """The key itself, if it may name an object.

    Raises:
        InvalidKeyError: empty, absolute, with a ``.`` or ``..`` segment, not valid Unicode, or the name of a side file
            or of something that only means something to running processes.
    """
    try:
        key.encode()
    except UnicodeEncodeError as error:
        raise InvalidKeyError("a storage key must be valid Unicode") from error
    if not key or key.startswith("/") or key.endswith(attrs.SUFFIX):
        raise InvalidKeyError(f"{key!r} cannot be a storage key")
    segments = escape_key(key).split("/")
    if any(segment in (".", "..") for segment in segments):
        raise InvalidKeyError(f"{key!r} would leave its directory")
    if any(segment.startswith(PROCESS_PREFIX) for segment in segments):
        raise InvalidKeyError(f"{key!r} is kept for unfinished writes")
    return key


def escape_key(key: str) -> str:
    """The key as a path relative to the storage root: what would be read as another path is hex-escaped."""
    return _TO_ESCAPE.sub(_escape, key)


def escape_bucket_key(key: str) -> str:
    """The key as the name of an object in a bucket."""
    return _TO_ESCAPE_IN_BUCKET.sub(_escape, key)


def unescape_key(path: str) -> str:
    """The key of an escaped path or bucket name."""
    return _ESCAPED.sub(_unescape, path)


def _escape(match: re.Match[str]) -> str:
    return f"__0x{ord(match[0]):x}__"


def _unescape(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else match[0]
