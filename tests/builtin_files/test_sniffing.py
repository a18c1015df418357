"""Content types: detected from bytes, never from a name or a claim."""

from __future__ import annotations

import io
import zipfile

import pytest
from builtin_files.content_types import ContentType
from builtin_files.json_prefix import is_json
from builtin_files.sniffing import HEAD_BYTES, detect, detect_file
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image


def zipped(*names: str, content: str = "x", compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name in names:
            archive.writestr(name, content)
    return out.getvalue()


def odf(kind: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}")
        archive.writestr("content.xml", "<x/>")
    return out.getvalue()


def image(kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(out, kind, **options)
    return out.getvalue()


def animated_png() -> bytes:
    out = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(out, "PNG", save_all=True, append_images=frames[1:])
    return out.getvalue()


OOXML = "application/vnd.openxmlformats-officedocument."
SVG = b'<svg width="4" xmlns="http://www.w3.org/2000/svg"><path/></svg>'
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


@pytest.mark.parametrize(
    ("content", "name", "extension"),
    [
        (image("PNG"), "image/png", ".png"),
        (animated_png(), "image/apng", ".apng"),
        (image("JPEG"), "image/jpeg", ".jpg"),
        (image("GIF"), "image/gif", ".gif"),
        (image("WEBP"), "image/webp", ".webp"),
        (image("TIFF"), "image/tiff", ".tiff"),
        (image("BMP"), "image/bmp", ".bmp"),
        (image("ICO"), "image/x-icon", ".ico"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "image/avif", ".avif"),
        (b"\0\0\0\x1cftypheic\0\0\0\0", "image/heic", ".heic"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0", "image/heif", ".heif"),
        (SVG, "image/svg+xml", ".svg"),
        (b"<!-- made by hand -->\n" + SVG, "image/svg+xml", ".svg"),
        (b'<?xml version="1.0"?>\n<!DOCTYPE svg PUBLIC "a" "b">\n' + SVG, "image/svg+xml", ".svg"),
        (b"<svg></svg>", "text/plain; charset=utf-8", ".txt"),
        (b"%PDF-1.7\n", "application/pdf", ".pdf"),
        (zipped("a.txt"), "application/zip", ".zip"),
        (zipped("word/a.txt", "b"), f"{OOXML}wordprocessingml.document", ".docx"),
        (zipped("a.txt", "word/a.txt"), "application/zip", ".zip"),
        (b"PK\x05\x06" + bytes(18), "application/zip", ".zip"),
        (
            zipped("[Content_Types].xml", "_rels/.rels", "word/document.xml"),
            f"{OOXML}wordprocessingml.document",
            ".docx",
        ),
        (zipped("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml"), f"{OOXML}spreadsheetml.sheet", ".xlsx"),
        (zipped("[Content_Types].xml", "ppt/a.xml"), f"{OOXML}presentationml.presentation", ".pptx"),
        (odf("text"), "application/vnd.oasis.opendocument.text", ".odt"),
        (odf("spreadsheet"), "application/vnd.oasis.opendocument.spreadsheet", ".ods"),
        (odf("presentation"), "application/vnd.oasis.opendocument.presentation", ".odp"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "application/x-7z-compressed", ".7z"),
        (b"\x1f\x8b\x08\0\0", "application/gzip", ".gz"),
        (bytes(257) + b"ustar\x0000" + bytes(300), "application/x-tar", ".tar"),
        (b"Rar!\x1a\x07\x01\x00", "application/vnd.rar", ".rar"),
        (OLE + b"\xec\xa5\xc1\x00", "application/msword", ".doc"),
        (OLE + b"\x09\x08\x10\x00\x00\x06\x05\x00", "application/vnd.ms-excel", ".xls"),
        (OLE + "PowerPoint Document".encode("utf-16-le"), "application/vnd.ms-powerpoint", ".ppt"),
        (b"\0\0\0\x18ftypisom\0\0\2\0", "video/mp4", ".mp4"),
        (b"\0\0\0\x14ftypqt  \0\0\2\0", "video/quicktime", ".mov"),
        (b"\x1a\x45\xdf\xa3\x93\x42\x82\x84webm", "video/webm", ".webm"),
        (b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska", "video/matroska", ".mkv"),
        (b"RIFF\0\0\0\0AVI LIST", "video/x-msvideo", ".avi"),
        (b"ID3\x03\0\0\0", "audio/mpeg", ".mp3"),
        (b"\xff\xfb\x90\x44\0", "audio/mpeg", ".mp3"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav", ".wav"),
        (b"fLaC\0\0\0\x22", "audio/flac", ".flac"),
        (b"OggS" + bytes(24) + b"\x01vorbis", "audio/ogg", ".oga"),
        (b"OggS" + bytes(24) + b"\x80theora", "video/ogg", ".ogv"),
        (b"OggS" + bytes(30), "application/ogg", ".ogg"),
        (b"\0\0\0\x18ftypM4A \0\0\2\0", "audio/x-m4a", ".m4a"),
        (b"\xff\xf1\x50\x80\0", "audio/aac", ".aac"),
        (b"MThd\0\0\0\6\0\1", "audio/midi", ".midi"),
        (b"\0\1\0\0\0\x11", "font/ttf", ".ttf"),
        (b"OTTO\0\x0b", "font/otf", ".otf"),
        (b"wOFF\0\1\0\0", "font/woff", ".woff"),
        (b"wOF2\0\1\0\0", "font/woff2", ".woff2"),
        (b"SQLite format 3\0\x10", "application/vnd.sqlite3", ".sqlite"),
        (b"\0asm\1\0\0\0", "application/wasm", ".wasm"),
        (b' {"a": [1, 2.5e3, "\\u00e4", null]}\n', "application/json", ".json"),
        (b'["a"]', "application/json", ".json"),
        (b'{"a": 1} trailing', "text/plain; charset=utf-8", ".txt"),
        (b"123", "text/plain; charset=utf-8", ".txt"),
        (b'{"a":1}\n{"a":2}\n', "application/x-ndjson", ".ndjson"),
        (b"name,age\nann,3\nbob,4\n", "text/csv", ".csv"),
        (b'name,note\n"a, b","c\nd"\n', "text/csv", ".csv"),
        (b"name,age\nann\n", "text/plain; charset=utf-8", ".txt"),
        (b"only, one line", "text/plain; charset=utf-8", ".txt"),
        (b"a\tb\nc\td", "text/tab-separated-values", ".tsv"),
        (b"<!DOCTYPE HTML><p>", "text/html; charset=utf-8", ".html"),
        (b"\n <hTmL >", "text/html; charset=utf-8", ".html"),
        (b'<html><meta charset="windows-1251">', "text/html; charset=windows-1251", ".html"),
        (b"<address>", "text/plain; charset=utf-8", ".txt"),
        (b'<?xml version="1.0"?><note/>', "text/xml; charset=utf-8", ".xml"),
        (b'<?xml version="1.0" encoding="ISO-8859-15"?><note/>', "text/xml; charset=iso-8859-15", ".xml"),
        (b'<?xml version="1.0"?><rss version="2.0"></rss>', "application/rss+xml", ".rss"),
        (b'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom">', "application/atom+xml", ".atom"),
        (b'<?xml version="1.0"?><gpx xmlns="http://www.topografix.com/GPX/1/1">', "application/gpx+xml", ".gpx"),
        (rb"{\rtf1\ansi", "text/rtf", ".rtf"),
        (b"#!/bin/sh\necho", "text/x-shellscript", ".sh"),
        (b"#!/usr/bin/env python3\n", "text/x-python", ".py"),
        (b"#!/usr/bin/env node\n", "text/javascript", ".js"),
        (b"BEGIN:VCARD\r\nVERSION:4.0", "text/vcard", ".vcf"),
        (b"BEGIN:VCALENDAR\nVERSION:2.0", "text/calendar", ".ics"),
        (b"WEBVTT\n\n00:01", "text/vtt", ".vtt"),
        (b"", "text/plain", ".txt"),
        (b"just text", "text/plain; charset=utf-8", ".txt"),
        (b"BM is short for something", "text/plain; charset=utf-8", ".txt"),
        (b"body { color: red }", "text/plain; charset=utf-8", ".txt"),
        ("naïve".encode("latin-1"), "text/plain; charset=iso-8859-1", ".txt"),
        ("“quoted”".encode("cp1252"), "text/plain; charset=windows-1252", ".txt"),
        (b"odd \x81 byte", "text/plain", ".txt"),
        ("mark".encode("utf-16"), "text/plain; charset=utf-16le", ".txt"),
        (b"\x00\x01\x02\x03unknown", "application/octet-stream", ""),
    ],
)
def test_content_is(content: bytes, name: str, extension: str) -> None:
    assert detect_file(io.BytesIO(content)) == ContentType(name, extension)


def test_a_long_text_is_judged_by_its_beginning() -> None:
    rows = b"name,age\n" + b"ann,3\n" * 2000
    assert detect_file(io.BytesIO(rows)).name == "text/csv"
    document = b'{"items": [' + b'{"name": "value"},' * 2000 + b"{}]}"
    assert detect_file(io.BytesIO(document)).name == "application/json"
    umlauts = ("a" * (HEAD_BYTES - 1) + "äöü").encode()
    assert detect_file(io.BytesIO(umlauts)).name == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("detected", "accepted", "matches"),
    [
        ("image/png", ["image/jpeg", "image/png"], True),
        ("image/jpeg", ["image/jpg"], False),
        ("text/plain; charset=utf-8", ["text/plain"], True),
        ("text/plain", ["Text/Plain; charset=latin1"], True),
        ("application/pdf", ["application/x-pdf"], True),
        ("image/svg+xml", ["text/xml"], False),
        ("text/csv", ["text/plain"], False),
        ("video/webm", ["audio/webm"], True),
        ("application/zip", ["application/x-zip-compressed"], True),
    ],
)
def test_a_type_matches_itself_and_its_aliases(detected: str, accepted: list[str], matches: bool) -> None:
    assert ContentType(detected, "").matches(accepted) is matches


@given(st.binary(max_size=4000), st.booleans())
def test_any_bytes_get_a_type(content: bytes, complete: bool) -> None:
    assert "/" in detect(content[:HEAD_BYTES], complete=complete).name


@pytest.mark.parametrize(
    "unit", ["[]", "<!--", "<?x", "/", " ", "<!DOCTYPE", "\\u", '"', "[", '{"":', "<meta ", "1", ",", '","', "<svg "]
)
@pytest.mark.parametrize("lead", ["", "<!DOCTYPE ", "#!/", "<svg ", '["', "<?xml ", "<html>"])
def test_hostile_repetitions_cost_no_time(lead: str, unit: str) -> None:
    # A pattern that backtracks exponentially would not come back from this.
    head = (lead + unit * HEAD_BYTES).encode()[:HEAD_BYTES]
    assert detect(head, complete=False).name
    assert detect(head, complete=True).name


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(deadline=None)  # a loaded machine is no slow parser
@given(st.lists(json_values) | st.dictionaries(st.text(), json_values), st.booleans(), st.data())
def test_json_and_each_of_its_beginnings_is_recognised(value: object, ascii_only: bool, data: st.DataObject) -> None:
    import json

    text = json.dumps(value, ensure_ascii=ascii_only)
    assert is_json(text, complete=True)
    cut = data.draw(st.integers(1, len(text)))
    assert is_json(text[:cut], complete=False)
    assert is_json(text[:cut], complete=True) == (cut == len(text))


@pytest.mark.parametrize(
    "text", ["", "[1,]", '{"a"}', "[1 2]", '{"a":1,}', "[01]", "[tru]", '["\n"]', "{]", "[]]", "1"]
)
def test_what_is_not_json(text: str) -> None:
    assert not is_json(text, complete=True)
