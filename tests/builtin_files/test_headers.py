"""Which files a browser may show, and under which type they are served."""

from __future__ import annotations

import pytest
from builtin_files.headers import content_disposition, content_type, is_forced


@pytest.mark.parametrize(
    ("stored", "forced", "disposition"),
    [
        ("image/png", False, "inline; filename=a.b"),
        ("application/pdf", False, "inline; filename=a.b"),
        ("audio/x-m4a", False, "inline; filename=a.b"),
        ("image/png", True, "attachment; filename=a.b"),
        ("image/svg+xml", False, "attachment; filename=a.b"),
        ("text/html; charset=utf-8", False, "attachment; filename=a.b"),
        ("text/plain; charset=utf-8", False, "attachment; filename=a.b"),
        ("image/png; x=y", False, "attachment; filename=a.b"),
    ],
)
def test_disposition(stored: str, forced: bool, disposition: str) -> None:
    assert content_disposition(stored, "a.b", force_attachment=forced) == disposition


def test_a_name_cannot_end_the_header_line() -> None:
    assert "\n" not in content_disposition("x/y", "a\r\nSet-Cookie: x", force_attachment=False)


@pytest.mark.parametrize(
    ("key", "stored", "served"),
    [
        ("c/r/a.svg", "text/plain", "image/svg+xml"),
        ("c/r/a.css", "text/plain", "text/css"),
        ("c/r/a.min.js", "text/plain", "text/javascript"),
        ("c/r/a.mjs", "text/plain", "text/javascript"),
        ("c/r/a.SVG", "text/plain", "text/plain"),
        ("c/r.svg/a", "text/plain", "text/plain"),
        ("c/r/a.png", "image/png", "image/png"),
    ],
)
def test_served_type(key: str, stored: str, served: str) -> None:
    assert content_type(stored, key) == served


@pytest.mark.parametrize(
    ("value", "forced"), [("1", True), ("t", True), ("True", True), ("yes", False), ("0", False), (None, False)]
)
def test_forced_download(value: str | None, forced: bool) -> None:
    assert is_forced(value) is forced
