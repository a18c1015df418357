"""How a file looks in the storage.

::

    "pbenc" 1 | length of id | key id | salt 32 | verifier 16 | length 2 | sealed attributes | sealed chunk …

- Each file has a key of its own: HKDF-SHA256 of the configured key, the random salt and the path of the file. So nonces
  cannot repeat, and a file that is put in the place of another one does not open.
- The verifier, derived from key and salt alone, tells a wrong key from a damaged file.
- Content is sealed with AES-256-GCM in chunks of 64 KiB. The nonce is the number of the chunk and whether it is the
  last: a chunk that is missing, repeated, out of order or cut off at the end does not open (the STREAM construction).
- The attributes are content type and metadata (the original name, for instance) as JSON.
"""

from __future__ import annotations

import hmac
import json
import secrets
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pbhost_encrypted_storage.errors import DamagedError, WrongKeyError
from pbhost_encrypted_storage.keyring import Keyring

MAGIC: Final = b"pbenc\x01"
CHUNK: Final = 64 * 1024
TAG: Final = 16
SEALED: Final = CHUNK + TAG

_SALT: Final = 32
_VERIFIER: Final = 16
_MOST_ATTRIBUTES: Final = 60_000
_LAST: Final = {False: b"\x00", True: b"\x01"}
#: Ends unlike that of any chunk.
_ATTRIBUTES_NONCE: Final = b"\xff" * 12


@dataclass(frozen=True, slots=True)
class Attributes:
    """What is sealed in the head of a file."""

    content_type: str
    metadata: Mapping[str, str] = field(default_factory=dict)


class FileCipher:
    """Seals and opens the chunks of one file."""

    def __init__(self, key: bytes, salt: bytes, path: str) -> None:
        self._path = path
        self._cipher = AESGCM(_derived(key, salt, b"file\0" + path.encode("utf-8", "surrogatepass"), 32))

    def seal(self, index: int, chunk: bytes, *, is_last: bool) -> bytes:
        """A chunk with its tag."""
        return self._cipher.encrypt(_nonce(index, is_last), chunk, None)

    def open(self, index: int, sealed: bytes, *, is_last: bool) -> bytes:
        """The chunk.

        Raises:
            DamagedError: it is not that chunk of this file.
        """
        return self._open(_nonce(index, is_last), sealed)

    def seal_attributes(self, attributes: Attributes) -> bytes:
        """The attributes as they stand in the head.

        Raises:
            OSError: they are too long.
        """
        text = json.dumps([attributes.content_type, dict(attributes.metadata)], ensure_ascii=True).encode("ascii")
        if len(text) > _MOST_ATTRIBUTES:
            raise OSError(f"the metadata of {self._path!r} is too long")
        return self._cipher.encrypt(_ATTRIBUTES_NONCE, text, None)

    def open_attributes(self, sealed: bytes) -> Attributes:
        """The attributes.

        Raises:
            DamagedError: they were changed.
        """
        content_type, metadata = json.loads(self._open(_ATTRIBUTES_NONCE, sealed))
        return Attributes(content_type, metadata)

    def _open(self, nonce: bytes, sealed: bytes) -> bytes:
        try:
            return self._cipher.decrypt(nonce, sealed, None)
        except (InvalidTag, ValueError) as error:
            raise DamagedError(self._path) from error


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a file.

    Attributes:
        size: bytes that it takes; the chunks follow.
    """

    key_id: str
    size: int
    cipher: FileCipher
    attributes: Attributes

    def offset(self, chunk: int) -> int:
        """Where a chunk begins in the stored file."""
        return self.size + chunk * SEALED

    def plain_size(self, stored: int) -> int:
        """The size of the content of a stored file of that size; what is no such size is found when it is read."""
        body = max(stored - self.size, TAG)
        return body - TAG * (-(-body // SEALED))


def new_head(keys: Keyring, path: str, attributes: Attributes) -> tuple[bytes, FileCipher]:
    """The bytes before the chunks of a new file, and the cipher for them."""
    key, salt = keys[keys.current], secrets.token_bytes(_SALT)
    cipher = FileCipher(key, salt, path)
    sealed = cipher.seal_attributes(attributes)
    key_id = keys.current.encode("ascii")
    parts = (
        MAGIC + bytes([len(key_id)]) + key_id,
        salt,
        _derived(key, salt, b"verifier", _VERIFIER),
        struct.pack(">H", len(sealed)),
        sealed,
    )
    return b"".join(parts), cipher


class HeadParser:
    """Reads a head piece by piece: ``needed`` tells how many bytes from the start make the next step possible."""

    def __init__(self, keys: Keyring, path: str) -> None:
        self._keys = keys
        self._path = path

    @property
    def least(self) -> int:
        """With so many bytes it is known whether this is an encrypted file, and how long its key id is."""
        return len(MAGIC) + 1

    def is_encrypted(self, start: bytes) -> bool:
        """Whether a file that begins so is one of ours."""
        return start.startswith(MAGIC)

    def fixed(self, start: bytes) -> int:
        """With so many bytes it is known how long the attributes are."""
        return self.least + start[len(MAGIC)] + _SALT + _VERIFIER + 2

    def whole(self, start: bytes) -> int:
        """The size of the head."""
        end = self.fixed(start)
        (length,) = struct.unpack(">H", start[end - 2 : end])
        return end + int(length)

    def parse(self, head: bytes) -> Head:
        """The head.

        Raises:
            DecryptionError: the key is missing or another one, or the head was changed.
        """
        end = self.fixed(head)
        if len(head) < end or len(head) < self.whole(head):
            raise DamagedError(self._path)
        key_id = head[self.least : end - _SALT - _VERIFIER - 2].decode("ascii", "replace")
        salt = head[end - _SALT - _VERIFIER - 2 : end - _VERIFIER - 2]
        verifier = head[end - _VERIFIER - 2 : end - 2]
        key = self._keys[key_id]
        if not hmac.compare_digest(verifier, _derived(key, salt, b"verifier", _VERIFIER)):
            raise WrongKeyError(self._path, key_id)
        cipher = FileCipher(key, salt, self._path)
        return Head(key_id, len(head), cipher, cipher.open_attributes(head[end:]))


class Sealer:
    """Content in, stored bytes out."""

    def __init__(self, keys: Keyring, path: str, attributes: Attributes) -> None:
        self._head, self._cipher = new_head(keys, path, attributes)
        self._waiting = bytearray()
        self._index = 0
        self.size = 0

    def update(self, content: bytes) -> bytes:
        """Takes more content; gives what can be stored by now."""
        self.size += len(content)
        self._waiting += content
        out = [self._take_head()]
        # One byte more than a chunk has to be there, else it might be the last one.
        while len(self._waiting) > CHUNK:
            out.append(self._seal(bytes(self._waiting[:CHUNK]), is_last=False))
            del self._waiting[:CHUNK]
        return b"".join(out)

    def finish(self) -> bytes:
        """The end of the file."""
        return self._take_head() + self._seal(bytes(self._waiting), is_last=True)

    def _take_head(self) -> bytes:
        head, self._head = self._head, b""
        return head

    def _seal(self, chunk: bytes, *, is_last: bool) -> bytes:
        sealed = self._cipher.seal(self._index, chunk, is_last=is_last)
        self._index += 1
        return sealed


def _nonce(index: int, is_last: bool) -> bytes:
    return index.to_bytes(11, "big") + _LAST[is_last]


def _derived(key: bytes, salt: bytes, purpose: bytes, length: int) -> bytes:
    info = b"pbhost-encrypted-storage 1 " + purpose
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(key)
