"""The headers of a served file that depend on its type: shown in the browser or saved, and under which type."""

from __future__ import annotations

# Only what a browser shows without running anything; compared with the stored type verbatim, parameters included.
# image/svg+xml and every text are absent on purpose: they can carry scripts.
INLINE_TYPES = frozenset(
    [
        *(f"image/{name}" for name in ("png", "jpg", "jpeg", "gif", "webp", "x-icon", "bmp")),
        *(f"video/{name}" for name in ("webm", "mp4", "3gpp", "quicktime", "x-ms-wmv")),
        *(f"audio/{name}" for name in ("basic", "aiff", "mpeg", "midi", "mp3", "wav", "wave", "x-wav", "x-mpeg")),
        *("audio/x-m4a", "audio/aac", "application/pdf", "application/x-pdf"),
    ]
)

# Content detection cannot tell these from plain text or zip, but browsers refuse them under another type.
_OFFICE = "application/vnd.openxmlformats-officedocument."
_TYPE_BY_EXTENSION = {
    ".svg": "image/svg+xml",
    ".css": "text/css",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".xlsx": f"{_OFFICE}spreadsheetml.sheet",
    ".docx": f"{_OFFICE}wordprocessingml.document",
    ".pptx": f"{_OFFICE}presentationml.presentation",
}

CONTENT_SECURITY_POLICY = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; sandbox"
CACHE_CONTROL = "max-age=2592000, stale-while-revalidate=86400"

_TRUE = frozenset(["1", "t", "T", "TRUE", "true", "True"])


def is_forced(download: str | None) -> bool:
    """Whether the ``download`` query parameter asks for an attachment."""
    return download in _TRUE


def content_disposition(stored_type: str, name: str, *, force_attachment: bool) -> str:
    """``inline`` or ``attachment`` with the name, which is sent unquoted."""
    kind = "inline" if stored_type in INLINE_TYPES and not force_attachment else "attachment"
    return f"{kind}; filename={_header_text(name)}"


def content_type(stored_type: str, key: str) -> str:
    """The type to serve ``key`` under: that of its extension where detection is known to fall short."""
    name = key.rpartition("/")[2]
    dot = name.rfind(".")
    return _TYPE_BY_EXTENSION.get(name[dot:], stored_type) if dot >= 0 else stored_type


def file_headers(stored_type: str, key: str, name: str, *, force_attachment: bool) -> dict[str, str]:
    """The headers of a served file that a hook may preset; length, dates and ranges are added when it is sent."""
    return {
        "Content-Disposition": content_disposition(stored_type, name, force_attachment=force_attachment),
        "Content-Type": content_type(stored_type, key),
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Cache-Control": CACHE_CONTROL,
    }


def _header_text(name: str) -> str:
    # A name set by code may hold anything; control characters would end the header line.
    if name.isprintable():
        return name
    return "".join(" " if ord(char) < 32 or ord(char) == 127 else char for char in name)
