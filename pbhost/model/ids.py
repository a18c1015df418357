"""Ids and other random texts, all from the operating system's cryptographic source."""

from __future__ import annotations

import secrets
import string
import zlib

LOWER_ALPHANUMERIC = string.ascii_lowercase + string.digits
ALPHANUMERIC = string.ascii_letters + string.digits
DIGITS = string.digits


def random_text(length: int, alphabet: str = ALPHANUMERIC) -> str:
    """A random text of ``length`` characters, each drawn uniformly from ``alphabet``."""
    size = len(alphabet)
    limit = 256 - 256 % size
    out: list[str] = []
    while len(out) < length:
        # One read of the source for all characters; bytes past the last full multiple are dropped to stay uniform.
        out.extend(alphabet[byte % size] for byte in secrets.token_bytes(length + 8) if byte < limit)
    return "".join(out[:length])


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
