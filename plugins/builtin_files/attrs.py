"""The ``.attrs`` side file that keeps a stored file's content type and metadata on file systems without them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

SUFFIX = ".attrs"
DEFAULT_CONTENT_TYPE = "application/octet-stream"
#: A side file is a few hundred bytes; anything far larger was not written by us and is not read into memory.
MAX_BYTES = 64 * 1024

# The four that are always empty in what PocketBase writes; kept because its reader expects the keys.
_EMPTY = ("user.cache_control", "user.content_disposition", "user.content_encoding", "user.content_language")
_HTML = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


@dataclass(frozen=True, slots=True)
class Attrs:
    """What the side file says.

    Attributes:
        content_type: the detected type, charset parameter included.
        metadata: for an upload ``{"original-filename": name}``; None for thumbs and other raw writes.
        md5: the 16-byte digest of the content, or None if unknown.
    """

    content_type: str = DEFAULT_CONTENT_TYPE
    metadata: Mapping[str, str] | None = field(default=None)
    md5: bytes | None = None

    def encode(self) -> bytes:
        """The side file's content: one JSON object on one line, in the key order of PocketBase.

        Raises:
            ValueError: a metadata key or value is not valid Unicode.
        """
        data: dict[str, object] = dict.fromkeys(_EMPTY, "")
        data["user.content_type"] = self.content_type
        data["user.metadata"] = (
            None if self.metadata is None else {key.lower(): self.metadata[key] for key in sorted(self.metadata)}
        )
        data["md5"] = None if self.md5 is None else base64.b64encode(self.md5).decode("ascii")
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        for plain, escaped in _HTML.items():
            text = text.replace(plain, escaped)
        return text.encode() + b"\n"

    @classmethod
    def decode(cls, content: bytes) -> Attrs:
        """The attributes of a side file; what cannot be understood takes its default."""
        try:
            data = json.loads(content)
        except (ValueError, RecursionError):
            return cls()
        if not isinstance(data, dict):
            return cls()
        content_type = data.get("user.content_type")
        metadata = data.get("user.metadata")
        return cls(
            content_type=content_type if isinstance(content_type, str) and content_type else DEFAULT_CONTENT_TYPE,
            metadata=(
                {key: value for key, value in metadata.items() if isinstance(value, str)}
                if isinstance(metadata, dict)
                else None
            ),
            md5=_digest(data.get("md5")),
        )


def _digest(value: object) -> bytes | None:
    if not isinstance(value, str):
        return None
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        return None
