"""Detection of a content type from the content itself. A client's claim or a file's name is never asked."""

from __future__ import annotations

from typing import BinaryIO

from builtin_files import charset
from builtin_files.content_types import UNKNOWN, ContentType
from builtin_files.signatures import detect_binary
from builtin_files.text_formats import detect_text

#: How much of a content is looked at.
HEAD_BYTES = 3072


def detect(head: bytes, *, complete: bool) -> ContentType:
    """The type of a content.

    Args:
        head: its first :data:`HEAD_BYTES` bytes, or all of it if it is shorter.
        complete: whether ``head`` is all of it.
    """
    is_text = charset.is_text(head)
    binary = detect_binary(head, is_text=is_text)
    if binary is not None:
        return binary
    return detect_text(head, complete=complete) if is_text else UNKNOWN


def detect_file(content: BinaryIO) -> ContentType:
    """The type of an open file, which is read from its current position.

    Raises:
        OSError: it cannot be read.
    """
    head = content.read(HEAD_BYTES + 1)
    return detect(head[:HEAD_BYTES], complete=len(head) <= HEAD_BYTES)
