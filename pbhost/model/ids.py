"""Ids and other random texts, all from the operating system's cryptographic source."""

from __future__ import annotations

import secrets
import string
import zlib
from functools import cache

LOWER_ALPHANUMERIC = string.ascii_lowercase + string.digits
ALPHANUMERIC = string.ascii_letters + string.digits
DIGITS = string.digits


def random_text(length: int, alphabet: str = ALPHANUMERIC) -> str:
    """A random text of ``length`` characters, each drawn uniformly from ``alphabet`` (ASCII)."""
    table, dropped = _translation(alphabet)
    out = b""
    while len(out) < length:
        # One read of the source, translated in one call: ids are made for every record and every log entry.
        out += secrets.token_bytes(length + 8).translate(table, dropped)
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
