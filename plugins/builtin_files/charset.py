"""Which character encoding a text is in: its byte order mark, what it declares, or what its bytes allow."""

from __future__ import annotations

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    # UTF-32's little-endian mark begins with that of UTF-16.
    (codecs.BOM_UTF32_BE, "utf-32be"),
    (codecs.BOM_UTF32_LE, "utf-32le"),
    (codecs.BOM_UTF16_BE, "utf-16be"),
    (codecs.BOM_UTF16_LE, "utf-16le"),
)

_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_META_CHARSET = re.compile(rb"<meta\b[^>]{0,500}?\bcharset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"\A\s*<\?xml\b[^>]{0,500}?\bencoding\s*=\s*[\"']([A-Za-z0-9_.:-]{1,40})[\"']")
# Code points of the C1 block that windows-1252 leaves undefined.
_UNDEFINED_IN_1252 = frozenset(b"\x81\x8d\x8f\x90\x9d")


def bom_charset(head: bytes) -> str:
    """The encoding that a byte order mark names, or ""."""
    return next((name for mark, name in _BOMS if head.startswith(mark)), "")


def is_text(head: bytes) -> bool:
    """Whether the bytes can be text: a byte order mark, or no binary control byte."""
    return bool(bom_charset(head)) or _BINARY.search(head) is None


def decode(head: bytes) -> str:
    """The bytes as text for looking into it, without a byte order mark; what cannot be decoded is replaced."""
    name = bom_charset(head) or "utf-8"
    return head.decode(name, errors="replace").removeprefix("\ufeff")


def plain_charset(head: bytes, *, complete: bool) -> str:
    """The encoding of a plain text, "" if none is plausible.

    Args:
        head: the beginning of the text.
        complete: whether it is all of it; otherwise a character may be cut at its end.
    """
    marked = bom_charset(head)
    if marked:
        return marked
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=complete)
        return "utf-8"
    except UnicodeDecodeError:
        pass
    high = {byte for byte in head if byte >= 0x80}
    if all(byte >= 0xA0 for byte in high):
        return "iso-8859-1"
    return "" if high & _UNDEFINED_IN_1252 else "windows-1252"


def html_charset(head: bytes, *, complete: bool) -> str:
    """The encoding of an HTML page: its mark, its ``<meta>``, or as plain text."""
    return _declared(_META_CHARSET, head) or plain_charset(head, complete=complete)


def xml_charset(head: bytes, *, complete: bool) -> str:
    """The encoding of an XML document: its mark, its declaration, or as plain text."""
    return _declared(_XML_ENCODING, head) or plain_charset(head, complete=complete)


def _declared(pattern: re.Pattern[bytes], head: bytes) -> str:
    marked = bom_charset(head)
    if marked:
        return marked
    match = pattern.search(head)
    return match[1].decode("ascii").lower() if match else ""
