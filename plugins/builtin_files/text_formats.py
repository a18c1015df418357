"""Text formats by what a text begins with or how its lines are built."""

from __future__ import annotations

import csv
import re

from builtin_files import charset
from builtin_files.content_types import ContentType
from builtin_files.json_prefix import is_json

_SVG_NAMESPACE = "http://www.w3.org/2000/svg"

_HTML = re.compile(
    r"<(?:!--|(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|body|br|b|p)(?=[ \t\r\n/>]))",
    re.IGNORECASE,
)
# What may stand before the root element: declaration and other instructions, comments, a document type. Possessive, so
# that a hostile text costs one pass and not one per way of reading it.
_PROLOG = re.compile(r"(?>\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE(?>[^>\[]|\[[^\]]*\])*+>)*+", re.DOTALL | re.IGNORECASE)
_ROOT = re.compile(r"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)((?:\s[^<>]*)?)/?(?:>|\Z)")

# Root element, what its tag must hold, type, extension.
_XML_KINDS = (
    ("svg", _SVG_NAMESPACE, "image/svg+xml", ".svg"),
    ("rss", "", "application/rss+xml", ".rss"),
    ("feed", "http://www.w3.org/2005/Atom", "application/atom+xml", ".atom"),
    ("kml", "opengis.net/kml", "application/vnd.google-earth.kml+xml", ".kml"),
    ("kml", "google.com/kml", "application/vnd.google-earth.kml+xml", ".kml"),
    ("gpx", "topografix.com/GPX", "application/gpx+xml", ".gpx"),
    ("TrainingCenterDatabase", "garmin.com", "application/vnd.garmin.tcx+xml", ".tcx"),
    ("COLLADA", "collada.org", "model/vnd.collada+xml", ".dae"),
    ("X3D", "web3d.org", "model/x3d+xml", ".x3d"),
    ("xliff", "urn:oasis:names:tc:xliff", "application/x-xliff+xml", ".xlf"),
    ("Ontology", "http://www.w3.org/2002/07/owl", "application/owl+xml", ".owl"),
    ("html", "http://www.w3.org/1999/xhtml", "application/xhtml+xml", ".html"),
)

_SHEBANG = re.compile(r"#![ \t]*(?:\S*/)?(?:env(?:[ \t]+-\S+)*[ \t]+)?(?:\S*/)?([A-Za-z]+)[\d.]*(?=\s|\Z)")
_MAX_SHEBANG = 128
_SHELL = ("text/x-shellscript", ".sh")
_INTERPRETERS = {
    **dict.fromkeys(["sh", "bash", "zsh", "ksh", "dash", "ash", "csh", "tcsh", "fish"], _SHELL),
    **dict.fromkeys(["python", "pypy"], ("text/x-python", ".py")),
    **dict.fromkeys(["node", "nodejs", "deno", "bun"], ("text/javascript", ".js")),
    "perl": ("text/x-perl", ".pl"),
    "ruby": ("text/x-ruby", ".rb"),
    "php": ("text/x-php", ".php"),
    **dict.fromkeys(["lua", "luajit"], ("text/x-lua", ".lua")),
    **dict.fromkeys(["tclsh", "wish"], ("text/x-tcl", ".tcl")),
}

_LEADS: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern), name, extension)
    for pattern, name, extension in (
        (r"\{\\rtf", "text/rtf", ".rtf"),
        (r"(?i)BEGIN:VCARD\r?\n", "text/vcard", ".vcf"),
        (r"(?i)BEGIN:VCALENDAR\r?\n", "text/calendar", ".ics"),
        (r"WEBVTT(?=[ \t\r\n]|\Z)", "text/vtt", ".vtt"),
        (r"#EXTM3U", "application/vnd.apple.mpegurl", ".m3u"),
        (r"<\?php", "text/x-php", ".php"),
        (r"1\r?\n\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:\d\d,\d{3}", "application/x-subrip", ".srt"),
    )
)


def detect_text(head: bytes, *, complete: bool) -> ContentType:
    """The format of a text.

    Args:
        head: the beginning of the content, without binary control bytes.
        complete: whether it is all of the content.
    """
    if not head:
        return ContentType("text/plain", ".txt")
    text = charset.decode(head)
    start = text.lstrip()
    markup = _markup(start)
    if markup is not None:
        return markup
    if start.startswith("<?xml"):
        return _with_charset("text/xml", ".xml", charset.xml_charset(head, complete=complete))
    if _HTML.match(start):
        return _with_charset("text/html", ".html", charset.html_charset(head, complete=complete))
    return (
        _by_lead(text, start)
        or _by_lines(text, complete=complete)
        or _with_charset("text/plain", ".txt", charset.plain_charset(head, complete=complete))
    )


def _with_charset(name: str, extension: str, encoding: str) -> ContentType:
    return ContentType(f"{name}; charset={encoding}" if encoding else name, extension)


def _markup(start: str) -> ContentType | None:
    """The vocabulary of an XML document by its root element. Without a declaration only an SVG is recognised."""
    if not start.startswith("<"):
        return None
    prolog = _PROLOG.match(start)
    root = _ROOT.match(start, prolog.end() if prolog else 0)
    if root is None:
        return None
    declared = start.startswith("<?xml")
    for element, mark, name, extension in _XML_KINDS:
        if root[1] == element and mark in root[2] and (declared or element == "svg"):
            return ContentType(name, extension)
    return None


def _by_lead(text: str, start: str) -> ContentType | None:
    shebang = _SHEBANG.match(text[:_MAX_SHEBANG])
    if shebang:
        return _found(_INTERPRETERS.get(shebang[1].lower()))
    for pattern, name, extension in _LEADS:
        if pattern.match(start):
            return ContentType(name, extension)
    return None


def _found(kind: tuple[str, str] | None) -> ContentType | None:
    return ContentType(*kind) if kind else None


def _by_lines(text: str, *, complete: bool) -> ContentType | None:
    if is_json(text, complete=complete):
        return ContentType("application/json", ".json")
    lines = text.splitlines(keepends=True)
    if not complete:
        lines = lines[:-1]  # cut somewhere in its middle
    if _is_ndjson(lines):
        return ContentType("application/x-ndjson", ".ndjson")
    if _is_table(lines, ","):
        return ContentType("text/csv", ".csv")
    return ContentType("text/tab-separated-values", ".tsv") if _is_table(lines, "\t") else None


def _is_ndjson(lines: list[str]) -> bool:
    filled = [line for line in lines if line.strip()]
    return len(filled) > 1 and all(is_json(line, complete=True) for line in filled)


def _is_table(lines: list[str], delimiter: str) -> bool:
    """Whether the lines are at least two rows of the same number, at least two, of columns."""
    rows = (line for line in lines if not line.startswith("#"))
    widths: set[int] = set()
    count = 0
    try:
        for row in csv.reader(rows, delimiter=delimiter):
            if not row:
                continue
            count += 1
            widths.add(len(row))
            if len(widths) > 1:
                return False
    except csv.Error:
        return False
    return count > 1 and widths.isdisjoint({0, 1})
