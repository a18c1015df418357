"""Ids and other random texts, all from the operating system's cryptographic source."""

from __future__ import annotations

import os
import string
import zlib
from collections import deque
from functools import cache

LOWER_ALPHANUMERIC = string.ascii_lowercase + string.digits
ALPHANUMERIC = string.ascii_letters + string.digits
DIGITS = string.digits


#: Random bytes for a short text are drawn many at a time: each draw is a system call that gives up Python's lock.
_PIECE = 48
_PIECES_PER_DRAW = 64
_pieces: deque[bytes] = deque()
# A process that is forked must not make the ids that its parent makes.
os.register_at_fork(after_in_child=_pieces.clear)


def random_bytes(count: int) -> bytes:
    """Bytes of the operating system's cryptographic source, each given once; from any thread."""
    if count > _PIECE:
        return os.urandom(count)
    while True:
        try:
            return _pieces.pop()[:count]
        except IndexError:
            drawn = os.urandom(_PIECE * _PIECES_PER_DRAW)
            _pieces.extend(drawn[at : at + _PIECE] for at in range(0, len(drawn), _PIECE))


def random_text(length: int, alphabet: str = ALPHANUMERIC) -> str:
    """A random text of ``length`` characters, each drawn uniformly from ``alphabet`` (ASCII)."""
    table, dropped = _translation(alphabet)
    out = b""
    while len(out) < length:
        # One read of the source, translated in one call: ids are made for every record and every log entry.
        out += random_bytes(length + 8).translate(table, dropped)
    return out[:length].decode("ascii")


@cache
def _translation(alphabet: str) -> tuple[bytes, bytes]:
    """Byte to character, and the bytes past the last full multiple of the alphabet, dropped to stay uniform."""
    size = len(alphabet)
    limit = 256 - 256 % size
    return bytes(ord(alphabet[byte % size]) for byte in range(256)), bytes(range(limit, 256))


def record_id() -> str:
    """A record id of the default form: 15 of ``[a-z0-9]``."""
    return random_text(15, LOWER_ALPHANUMERIC)


def secret() -> str:
    """A collection's token secret: 50 of ``[A-Za-z0-9]``."""
    return random_text(50)


def collection_id(type_: str, name: str) -> str:
    """The deterministic id of a collection: ``pbc_`` and the CRC-32 (IEEE) of ``type + name``."""
    return f"pbc_{zlib.crc32((type_ + name).encode())}"


def field_id(type_: str, name: str) -> str:
    """The deterministic id of a field: its type and the CRC-32 (IEEE) of its name."""
    return f"{type_}{zlib.crc32(name.encode())}"
