"""Object stores: S3, Google Cloud Storage, Azure. Each keeps type and metadata with the object, in its own way."""

from __future__ import annotations

import base64
import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import quote, unquote

from builtin_files.attrs import DEFAULT_CONTENT_TYPE
from pbhost.services import FileAttributes

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

#: Parts of a multipart upload; smaller files are sent in one request. A multiple of 256 KiB, as Google asks.
PART = 6 * 1024 * 1024
_MD5 = re.compile(r"[0-9a-f]{32}")


class Bucket(ABC):
    """What differs between the object stores."""

    def __init__(self, filesystem: AbstractFileSystem) -> None:
        self._fs = filesystem

    def put(self, path: str, content: bytes, content_type: str, metadata: Mapping[str, str]) -> None:
        """Stores an object in one request, so that the store knows its checksum."""
        self._fs.pipe_file(path, content, **self.described(content_type, metadata))

    def open(self, path: str, content_type: str, metadata: Mapping[str, str]) -> BinaryIO:
        """A file that is sent in parts and becomes the object when it is closed and committed."""
        described = self.described(content_type, metadata)
        # Not by ``open``: fsspec notes each such file for a transaction that nobody ends, and would keep them for ever.
        return cast(BinaryIO, self._fs._open(path, "wb", block_size=PART, autocommit=False, **described))

    @abstractmethod
    def described(self, content_type: str, metadata: Mapping[str, str]) -> dict[str, object]:
        """The arguments that give an object its type and metadata."""

    @abstractmethod
    def attributes(self, path: str, info: Mapping[str, object]) -> FileAttributes:
        """What the store knows of an object, from fsspec's ``info``."""

    @abstractmethod
    def sign(self, path: str, seconds: int, content_type: str, content_disposition: str) -> str:
        """A URL that is valid for a while; type and disposition of its answer if they are not empty.

        Raises:
            ValueError, AttributeError, TypeError: the credentials in use cannot sign.
        """


class S3Bucket(Bucket):
    """Amazon S3 and what speaks like it."""

    def described(self, content_type: str, metadata: Mapping[str, str]) -> dict[str, object]:
        """See :class:`Bucket`."""
        # Header values must be ASCII.
        return {"ContentType": content_type, "Metadata": {key.lower(): quote(value) for key, value in metadata.items()}}

    def attributes(self, path: str, info: Mapping[str, object]) -> FileAttributes:
        """See :class:`Bucket`."""
        return FileAttributes(
            size=_size(info),
            modified=modified(info),
            content_type=str(info.get("ContentType") or DEFAULT_CONTENT_TYPE),
            metadata={key.lower(): unquote(value) for key, value in (self._fs.metadata(path) or {}).items()},
            md5=_md5_of_tag(info),
        )

    def sign(self, path: str, seconds: int, content_type: str, content_disposition: str) -> str:
        """See :class:`Bucket`."""
        more = _given(ResponseContentType=content_type, ResponseContentDisposition=content_disposition)
        return cast(str, self._fs.sign(path, expiration=seconds, **more))


class GoogleBucket(Bucket):
    """Google Cloud Storage."""

    def described(self, content_type: str, metadata: Mapping[str, str]) -> dict[str, object]:
        """See :class:`Bucket`."""
        return {"content_type": content_type, "metadata": {key.lower(): value for key, value in metadata.items()}}

    def attributes(self, path: str, info: Mapping[str, object]) -> FileAttributes:
        """See :class:`Bucket`."""
        return FileAttributes(
            size=_size(info),
            modified=modified(info),
            content_type=str(info.get("contentType") or DEFAULT_CONTENT_TYPE),
            metadata=_texts(info.get("metadata")),
            md5=str(info.get("md5Hash") or ""),
        )

    def sign(self, path: str, seconds: int, content_type: str, content_disposition: str) -> str:
        """See :class:`Bucket`."""
        from google.auth.credentials import Signing

        # Without a key gcsfs would look for other credentials all over the machine and its network.
        if not isinstance(self._fs.credentials.credentials, Signing):
            raise ValueError("only a service account's key file can sign")
        more = _given(response_type=content_type, response_disposition=content_disposition)
        return cast(str, self._fs.sign(path, expiration=seconds, version="v4", **more))


class AzureContainer(Bucket):
    """Azure Blob Storage, whose metadata names must be identifiers and whose values ASCII."""

    def put(self, path: str, content: bytes, content_type: str, metadata: Mapping[str, str]) -> None:
        """See :class:`Bucket`. adlfs takes no metadata in one request, so a block and its commit are two."""
        described = self.described(content_type, metadata)
        settings = {
            "content_type": content_type,
            "content_md5": bytearray(hashlib.md5(content, usedforsecurity=False).digest()),
        }
        with self._fs.open(path, "wb", block_size=PART, **{**described, "content_settings": settings}) as file:
            file.write(content)

    def described(self, content_type: str, metadata: Mapping[str, str]) -> dict[str, object]:
        """See :class:`Bucket`."""
        named = {_identifier(key.lower()): quote(value) for key, value in metadata.items()}
        return {"content_settings": {"content_type": content_type}, "metadata": {**named, **_IS_FILE}}

    def attributes(self, path: str, info: Mapping[str, object]) -> FileAttributes:
        """See :class:`Bucket`."""
        settings = info.get("content_settings")
        content_type = getattr(settings, "content_type", None) or DEFAULT_CONTENT_TYPE
        md5 = getattr(settings, "content_md5", None)
        metadata = {name: text for name, text in _texts(info.get("metadata")).items() if name not in _IS_FILE}
        return FileAttributes(
            size=_size(info),
            modified=modified(info),
            content_type=str(content_type),
            metadata={_from_identifier(name): unquote(text) for name, text in metadata.items()},
            md5=base64.b64encode(bytes(md5)).decode("ascii") if md5 else "",
        )

    def sign(self, path: str, seconds: int, content_type: str, content_disposition: str) -> str:
        """See :class:`Bucket`."""
        more = _given(content_type=content_type, content_disposition=content_disposition)
        return cast(str, self._fs.sign(path, expiration=seconds, **more))


#: How adlfs tells files from the markers of empty directories.
_IS_FILE = {"is_directory": "false"}
_KINDS: dict[str, type[Bucket]] = {"s3": S3Bucket, "gs": GoogleBucket, "abfs": AzureContainer}


def bucket_of(filesystem: AbstractFileSystem) -> Bucket | None:
    """How an object store is spoken to; None for a file system with directories, and for stores not known here."""
    protocol = filesystem.protocol
    names = (protocol,) if isinstance(protocol, str) else tuple(protocol)
    return next((kind(filesystem) for name, kind in _KINDS.items() if name in names), None)


def modified(info: Mapping[str, object]) -> datetime:
    """When a file was written, by whichever name the file system calls it."""
    for key in ("LastModified", "mtime", "updated", "created", "last_modified"):
        value = info.get(key)
        if isinstance(value, datetime):
            return value if value.tzinfo else value.replace(tzinfo=UTC)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
    return datetime.fromtimestamp(0, UTC)


def _size(info: Mapping[str, object]) -> int:
    return int(cast(int, info["size"]))


def _texts(value: object) -> dict[str, str]:
    return {str(key): str(text) for key, text in value.items()} if isinstance(value, Mapping) else {}


def _given(**options: str) -> dict[str, str]:
    return {name: value for name, value in options.items() if value}


def _md5_of_tag(info: Mapping[str, object]) -> str:
    """The checksum of an object: its tag, unless it was uploaded in parts or is encrypted with a key of its own."""
    tag = str(info.get("ETag") or "").strip('"')
    return base64.b64encode(bytes.fromhex(tag)).decode("ascii") if _MD5.fullmatch(tag) else ""


def _identifier(name: str) -> str:
    """A metadata name of letters, digits and underscores, which :func:`_from_identifier` reads back."""
    return "pb_" + re.sub(r"[^a-z0-9]", lambda match: f"_{ord(match[0]):x}_", name)


def _from_identifier(name: str) -> str:
    plain = name.removeprefix("pb_")
    return re.sub(r"_([0-9a-f]{1,5})_", lambda match: chr(int(match[1], 16)), plain) if plain != name else name
