"""Placeholders of mail templates."""

from __future__ import annotations

import pytest
from builtin_auth.mail_page import escape, fill, page
from hypothesis import given
from hypothesis import strategies as st

VALUES = {"{TOKEN}": "t", "{RECORD:name}": "{TOKEN}", "{APP_NAME}": "Acme"}


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{APP_NAME}: {TOKEN}", "Acme: t"),
        ("{RECORD:name}", "{TOKEN}"),
        ("{UNKNOWN} {OTP", "{UNKNOWN} {OTP"),
        ("{{TOKEN}}", "{t}"),
        ("a } b { c", "a } b { c"),
        ("", ""),
    ],
)
def test_fill(template: str, filled: str) -> None:
    assert fill(template, VALUES) == filled


@given(st.text(alphabet="{}TOKENab"))
def test_any_text_survives_when_nothing_is_known(template: str) -> None:
    assert fill(template, {}) == template


def test_escaping_and_page() -> None:
    assert escape("<a href='x'>\"&") == "&lt;a href=&#39;x&#39;&gt;&#34;&amp;"
    assert "<body>\nhello {x}\n</body>" in page("hello {x}")
    assert ".btn" in page("")
    assert ".hidden" in page("")
