"""The files of the interface, kept in memory as they are sent.

They are imported by relative paths, so a version segment in front of them (``/_/@1f3c.../js/main.js``) is enough to let
browsers keep them for long: a new version of pbhost has new addresses.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

DIRECTORY = Path(__file__).parent / "static"
INDEX = "index.html"
#: Stands in the index where the address of the files of this version goes.
_ASSETS = b"{assets}"
_COMPRESSED = ("text/", "application/javascript", "image/svg+xml")
_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its bytes, and the same compressed if that saves anything."""

    content_type: str
    content: bytes
    compressed: bytes | None
    etag: str


class Assets:
    """All files below a directory, read once; nothing outside of it can be named."""

    def __init__(self, directory: Path = DIRECTORY) -> None:
        paths = {path.relative_to(directory).as_posix(): path for path in directory.rglob("*") if path.is_file()}
        contents = {name: path.read_bytes() for name, path in sorted(paths.items())}
        digest = hashlib.sha256()
        for name, content in contents.items():
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
        #: Differs between any two states of the files.
        self.version = digest.hexdigest()[:16]
        self._prefix = f"@{self.version}/"
        if INDEX in contents:
            contents[INDEX] = contents[INDEX].replace(_ASSETS, f"/_/@{self.version}".encode())
        self._assets = {name: _asset(name, content) for name, content in contents.items()}

    def find(self, path: str) -> Asset | None:
        """The file at a path below ``/_/``, with or without the version in front; "" is the index."""
        return self._assets.get(path.removeprefix(self._prefix) or INDEX)

    def is_versioned(self, path: str) -> bool:
        """Whether the path names this very version, so that what it leads to never changes."""
        return path.startswith(self._prefix)


def content_type_of(name: str) -> str:
    """The content type by extension; text is UTF-8."""
    known = _TYPES.get(Path(name).suffix.lower())
    guessed = known or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"{guessed}; charset=utf-8" if guessed.startswith("text/") else guessed


def _asset(name: str, content: bytes) -> Asset:
    content_type = content_type_of(name)
    compressed = gzip.compress(content, 9, mtime=0) if content_type.startswith(_COMPRESSED) else None
    if compressed is not None and len(compressed) >= len(content):
        compressed = None
    return Asset(content_type, content, compressed, f'"{hashlib.sha256(content).hexdigest()[:20]}"')
