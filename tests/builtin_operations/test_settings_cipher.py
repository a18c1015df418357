"""Settings encrypted at rest."""

from __future__ import annotations

import base64

import pytest
from builtin_operations.settings.cipher import SettingsCipherError, decrypt, encrypt

KEY = b"k" * 32


@pytest.mark.parametrize("size", [16, 24, 32])
def test_what_is_encrypted_can_be_read_again_with_the_same_key(size: int) -> None:
    stored = encrypt(b'{"a":1}', b"x" * size)
    assert b'"a"' not in base64.b64decode(stored)
    assert decrypt(stored, b"x" * size) == b'{"a":1}'


def test_the_form_is_nonce_ciphertext_tag() -> None:
    assert len(base64.b64decode(encrypt(b"12345", KEY))) == 12 + 5 + 16


@pytest.mark.parametrize(
    ("stored", "key", "error"),
    [
        (encrypt(b"{}", KEY), b"o" * 32, "cipher: message authentication failed"),
        (encrypt(b"{}", KEY), b"short", "crypto/aes: invalid key size 5"),
        ("AAAA", KEY, "cipher: message authentication failed"),
        ("not base64!", KEY, "illegal base64 data"),
    ],
)
def test_what_cannot_be_read_says_why(stored: str, key: bytes, error: str) -> None:
    with pytest.raises(SettingsCipherError, match=error):
        decrypt(stored, key)
