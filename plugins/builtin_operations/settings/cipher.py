"""The settings row on disk: compact JSON, or AES-GCM ciphertext under a key from the environment."""

from __future__ import annotations

import base64
import binascii
import os

_NONCE = 12
_KEY_SIZES = (16, 24, 32)


class SettingsCipherError(ValueError):
    """The stored settings cannot be read; start-up must fail with this text."""


def encrypt(plain: bytes, key: bytes) -> str:
    """The stored form: padded base64 of ``nonce ‖ ciphertext ‖ tag``.

    Args:
        key: 16, 24 or 32 bytes, used as it is.

    Raises:
        SettingsCipherError: the key has another length.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE)
    return base64.b64encode(nonce + AESGCM(_checked(key)).encrypt(nonce, plain, None)).decode()


def decrypt(stored: bytes | str, key: bytes) -> bytes:
    """The plain JSON of a stored form.

    Raises:
        SettingsCipherError: wrong key, wrong key length, or not the form that :func:`encrypt` makes.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    cipher = AESGCM(_checked(key))
    try:
        sealed = base64.b64decode(stored, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SettingsCipherError(f"illegal base64 data: {error}") from error
    if len(sealed) < _NONCE + 16:
        raise SettingsCipherError("cipher: message authentication failed")
    try:
        return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], None)
    except InvalidTag as error:
        raise SettingsCipherError("cipher: message authentication failed") from error


def _checked(key: bytes) -> bytes:
    if len(key) not in _KEY_SIZES:
        raise SettingsCipherError(f"crypto/aes: invalid key size {len(key)}")
    return key
