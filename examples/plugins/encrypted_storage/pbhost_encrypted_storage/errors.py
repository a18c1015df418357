"""Why a stored file cannot be read. Storage errors, so that pbhost answers and logs them as such."""

from __future__ import annotations


class DecryptionError(OSError):
    """A stored file cannot be decrypted; the message is for the log."""


class MissingKeyError(DecryptionError):
    """The key is not configured."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"a file was written with the key {key_id!r}, which [plugins.encrypted_storage] does not have")


class WrongKeyError(DecryptionError):
    """There is a key of that id, but another one."""

    def __init__(self, key: str, key_id: str) -> None:
        super().__init__(f"the key {key_id!r} is not the one that {key!r} was written with")


class DamagedError(DecryptionError):
    """Something was changed, cut off, appended, moved or swapped."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key!r} was damaged or tampered with")


class PlainFileError(DecryptionError):
    """The file was never encrypted."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key!r} is not encrypted; see accept_plain of [plugins.encrypted_storage]")
