"""The content types that detection can give, and the other names by which a field's ``mimeTypes`` may accept them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_ODF = "application/vnd.oasis.opendocument."

#: Other names of a type. A parent type is not among them: an SVG is no ``text/xml``, a CSV no ``text/plain``.
ALIASES: dict[str, frozenset[str]] = {
    name: frozenset(aliases.split())
    for name, aliases in {
        "image/apng": "image/vnd.mozilla.apng",
        "image/bmp": "image/x-bmp image/x-ms-bmp",
        "image/vnd.adobe.photoshop": "image/x-psd application/photoshop",
        "application/pdf": "application/x-pdf",
        "application/zip": "application/x-zip application/x-zip-compressed",
        "application/gzip": (
            "application/x-gzip application/x-gunzip application/gzipped application/gzip-compressed "
            "application/x-gzip-compressed gzip/document"
        ),
        "application/vnd.rar": "application/x-rar-compressed application/x-rar",
        "application/msword": "application/vnd.ms-word",
        "application/vnd.ms-excel": "application/msexcel",
        "application/vnd.ms-powerpoint": "application/mspowerpoint",
        **{
            f"{_ODF}{kind}": f"application/x-vnd.oasis.opendocument.{kind}"
            for kind in ("text", "spreadsheet", "presentation", "graphics", "formula", "chart")
        },
        "application/java-archive": "application/jar application/jar-archive application/x-java-archive",
        "video/webm": "audio/webm",
        "video/matroska": "video/x-matroska",
        "video/x-msvideo": "video/avi video/msvideo",
        "video/x-ms-asf": "video/asf video/x-ms-wmv",
        "video/3gpp": "video/3gp audio/3gpp",
        "video/3gpp2": "video/3g2 audio/3gpp2",
        "audio/mp4": "audio/x-mp4a",
        "audio/mpeg": "audio/x-mpeg audio/mp3",
        "audio/wav": "audio/x-wav audio/vnd.wave audio/wave",
        "audio/aiff": "audio/x-aiff",
        "audio/midi": "audio/mid audio/sp-midi audio/x-mid audio/x-midi",
        "application/ogg": "application/x-ogg",
        "application/vnd.sqlite3": "application/x-sqlite3",
        "text/xml": "application/xml",
        "text/rtf": "application/rtf",
        "text/javascript": "application/x-javascript application/javascript",
        "text/x-python": "text/x-script.python application/x-python",
        "text/x-shellscript": "text/x-sh application/x-shellscript application/x-sh",
        "text/x-ruby": "application/x-ruby",
        "application/x-subrip": "application/x-srt text/x-srt",
        "application/x-ndjson": "application/jsonl application/x-jsonlines",
        "application/x-bzip2": "application/x-bzip",
        "application/x-elf": "application/x-executable",
    }.items()
}


@dataclass(frozen=True, slots=True)
class ContentType:
    """A detected type.

    Attributes:
        name: the type, with a charset parameter for text (``text/html; charset=utf-8``).
        extension: the usual file extension with its dot, "" if there is none.
    """

    name: str
    extension: str

    def matches(self, accepted: Iterable[str]) -> bool:
        """Whether one of ``accepted`` names this type or an alias of it; parameters and letter case are ignored."""
        essence = _essence(self.name)
        names = ALIASES.get(essence, frozenset()) | {essence}
        return any(_essence(item) in names for item in accepted)


UNKNOWN = ContentType("application/octet-stream", "")


def _essence(name: str) -> str:
    return name.partition(";")[0].strip().lower()
