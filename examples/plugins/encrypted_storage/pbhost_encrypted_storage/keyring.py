"""The keys of the configuration, by id."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from pbhost.errors import JSON, ConfigError
from pbhost_encrypted_storage.errors import MissingKeyError

#: A pattern of the ids that keys may have.
KEY_ID: Final = "[A-Za-z0-9_-]{1,32}"
KEY_BYTES: Final = 32

_WHERE: Final = "[plugins.encrypted_storage]"


@dataclass(frozen=True, slots=True)
class Keyring:
    """The key that new files are written with, and all that old files may need."""

    current: str
    keys: Mapping[str, bytes]

    @classmethod
    def load(cls, options: Mapping[str, JSON]) -> Self:
        """The keys of the options.

        Raises:
            ConfigError: there is none, or one is no key; the message says what to do and never shows a key.
        """
        given = options["keys"]
        texts = {name: str(text) for name, text in given.items()} if isinstance(given, dict) else {}
        if not texts:
            raise ConfigError(
                f"{_WHERE} has no keys: make one with 'pbhost encrypted-storage new-key', put it into a variable and "
                f'set keys.first = "env:THE_VARIABLE" and current = "first"'
            )
        current = str(options["current"])
        if current not in texts:
            raise ConfigError(f"{_WHERE}: current must be one of keys, not {current!r}")
        return cls(current, {name: _key(name, text) for name, text in texts.items()})

    def __getitem__(self, key_id: str) -> bytes:
        try:
            return self.keys[key_id]
        except KeyError:
            raise MissingKeyError(key_id) from None


def new_key() -> str:
    """A fresh key as text."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode("ascii")


def _key(name: str, text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigError(f"{_WHERE} keys.{name}: must be {KEY_BYTES} random bytes in base64")
    return key
