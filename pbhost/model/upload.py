"""An uploaded file on its way from the request body to the storage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(slots=True, eq=False)
class UploadedFile:
    """One file of a multipart body, or one made by code.

    Attributes:
        original_name: the client's file name, directory parts stripped.
        size: content length in bytes.
        open: opens the content for reading from the start; may be called repeatedly (memory or a spooled temp file).
        name: the stored name, generated when the file field first sees the upload; "" before.
        content_type: the type detected from the content (never the client's claim); "" before.
        close: releases the temp file; safe to call twice.
    """

    original_name: str
    size: int
    open: Callable[[], BinaryIO]
    name: str = ""
    content_type: str = ""
    close: Callable[[], None] = field(default=lambda: None)

    @classmethod
    def from_bytes(cls, content: bytes, original_name: str) -> UploadedFile:
        """An upload whose content is in memory."""
        from io import BytesIO

        return cls(original_name=original_name, size=len(content), open=lambda: BytesIO(content))

    @classmethod
    def from_path(cls, path: str | Path, original_name: str = "") -> UploadedFile:
        """An upload whose content is a file of this machine, read when it is stored.

        Raises:
            OSError: there is no such file.
        """
        from pathlib import Path

        file = Path(path)
        return cls(original_name=original_name or file.name, size=file.stat().st_size, open=lambda: file.open("rb"))

    def to_json(self) -> dict[str, str | int]:
        """What API rules see under ``@request.body``."""
        return {"name": self.name, "originalName": self.original_name, "size": self.size}
