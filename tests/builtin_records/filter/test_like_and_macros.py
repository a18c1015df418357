"""LIKE patterns and macros as pure functions."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

import pytest
from builtin_records.filter.like import like_pattern
from builtin_records.filter.macros import MACROS
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("value", "pattern"),
    [
        ("foo", "%foo%"),
        ("foo%", "foo%"),
        (r"50\%", r"%50\%%"),
        ("a_b", r"%a\_b%"),
        ("a\\b", r"%a\\b%"),
        ("%a_b", "%a_b"),
        (r"\\%", r"\\%"),  # an escaped backslash, then a wildcard
        (r"\\\%", r"%\\\%%"),
        (r"a\\b", r"%a\\b%"),
        (r"a\_b", r"%a\_b%"),
        ("", "%%"),
        (None, None),
        (5.0, "%5%"),
        (0.25, "%0.25%"),
        (3, "%3%"),
        (True, "%true%"),
    ],
)
def test_the_pattern_of_a_value(value, pattern):
    assert like_pattern(value) == pattern


@given(st.text(alphabet="ab%_\\é"))
@settings(deadline=None)
def test_a_text_without_wildcard_and_backslash_finds_itself_only(text):
    plain = text.replace("%", "").replace("\\", "")
    connection = sqlite3.connect(":memory:")
    try:
        sql = "SELECT ? LIKE ? ESCAPE '\\', ? LIKE ? ESCAPE '\\'"
        pattern = like_pattern(plain)
        found, other = connection.execute(sql, (f"<{plain}>", pattern, "<c>", pattern)).fetchone()
    finally:
        connection.close()
    assert found == 1
    assert other == (not plain)


@given(st.text(alphabet="ab%_\\"))
@settings(deadline=None)
def test_every_pattern_is_accepted(text):
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("SELECT 'x' LIKE ? ESCAPE '\\'", (like_pattern(text),)).fetchone()
    finally:
        connection.close()


SUNDAY = datetime(2024, 2, 4, 9, 8, 7, 654_321, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("@now", "2024-02-04 09:08:07.654Z"),
        ("@yesterday", "2024-02-03 09:08:07.654Z"),
        ("@tomorrow", "2024-02-05 09:08:07.654Z"),
        ("@second", 7),
        ("@minute", 8),
        ("@hour", 9),
        ("@day", 4),
        ("@weekday", 0),
        ("@month", 2),
        ("@year", 2024),
        ("@todayStart", "2024-02-04 00:00:00.000Z"),
        ("@todayEnd", "2024-02-04 23:59:59.999Z"),
        ("@monthStart", "2024-02-01 00:00:00.000Z"),
        ("@monthEnd", "2024-02-29 23:59:59.999Z"),
        ("@yearStart", "2024-01-01 00:00:00.000Z"),
        ("@yearEnd", "2024-12-31 23:59:59.999Z"),
    ],
)
def test_a_macro(name, value):
    assert MACROS[name](SUNDAY) == value


def test_months_end_where_they_end():
    days = [datetime(2023, month, 31 if month in (1, 12) else 1, tzinfo=UTC) for month in range(1, 13)]
    ends = [MACROS["@monthEnd"](day) for day in days]
    assert [str(end)[8:10] for end in ends] == ["31", "28", "31", "30", "31", "30", "31", "31", "30", "31", "30", "31"]
