"""An uploaded file on its way from the request body to the storage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO


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
