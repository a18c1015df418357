"""Which texts are dates and what they become."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from builtin_records.datetext import date_text, to_date
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2024-05-01", "2024-05-01 00:00:00.000Z"),
        ("2024-05-01 08:00:00", "2024-05-01 08:00:00.000Z"),
        ("2024-05-01 8:00:00", "2024-05-01 08:00:00.000Z"),
        ("2024-05-01T08:00:00", "2024-05-01 08:00:00.000Z"),
        ("2024-05-01T08:00:00Z", "2024-05-01 08:00:00.000Z"),
        ("2024-05-01 08:00:00.9999Z", "2024-05-01 08:00:00.999Z"),
        ("2024-05-01 08:00:00,5Z", "2024-05-01 08:00:00.500Z"),
        ("2024-05-01T08:00:00+02:00", "2024-05-01 06:00:00.000Z"),
        ("2024-05-01T08:00:00+0200", "2024-05-01 06:00:00.000Z"),
        ("2024-05-01 08:00:00 +0200", "2024-05-01 06:00:00.000Z"),
        ("2024-05-01 08:00:00 +02:00", "2024-05-01 06:00:00.000Z"),
        ("2024-05-01 08:00:00 -0200 CEST", "2024-05-01 10:00:00.000Z"),
        ("2024-01-01 00:30:00+01:00", "2023-12-31 23:30:00.000Z"),
        ("Mon, 02 Jan 2006 15:04:05 MST", "2006-01-02 15:04:05.000Z"),
        ("Mon, 02 Jan 2006 15:04:05 -0700", "2006-01-02 22:04:05.000Z"),
        ("Monday, 02-Jan-06 15:04:05 UTC", "2006-01-02 15:04:05.000Z"),
        ("02 Jan 06 15:04 GMT", "2006-01-02 15:04:00.000Z"),
        ("02 Jan 70 15:04 -0700", "1970-01-02 22:04:00.000Z"),
        ("Mon Jan  2 15:04:05 2006", "2006-01-02 15:04:05.000Z"),
        ("Mon Jan  2 15:04:05 MST 2006", "2006-01-02 15:04:05.000Z"),
        ("Mon Jan 02 15:04:05 -0700 2006", "2006-01-02 22:04:05.000Z"),
        ("02 Jan 2006", "2006-01-02 00:00:00.000Z"),
        ("3:04PM", "0000-01-01 15:04:00.000Z"),
        ("12:04AM", "0000-01-01 00:04:00.000Z"),
        ("Jan _2 15:04:05".replace("_", " "), "0000-01-02 15:04:05.000Z"),
        ("Feb 29 15:04:05.25", "0000-02-29 15:04:05.250Z"),
        ("2024-02-29 00:00:00.000Z", "2024-02-29 00:00:00.000Z"),
    ],
)
def test_recognised_texts(text: str, date: str) -> None:
    assert to_date(text) == date


@pytest.mark.parametrize(
    "value",
    [
        "",
        "2024-1-5",
        "2024-05-01 10:00",
        "2024-05-01 10:00:00 Z",
        "2024-05-01 10:00:00+02",
        "2024-05-01t10:00:00",
        "2024-05-01T10:00:00z",
        "2024-05-01T10:00:00 +0200",
        " 2024-05-01",
        "2024-05-01 ",
        "2024-05-01\n",
        "2024-13-01",
        "2024-02-30",
        "2023-02-29",
        "2024-05-01 24:00:00",
        "2024-05-01 10:60:00",
        "2 Jan 2006",
        "Mon, 2 Jan 2006 15:04:05 MST",
        "13:04PM",
        "1714550400",
        "0001-01-01",
        "0001-01-01 00:00:00.000Z",
        "9999-12-31 23:59:59-01:00",
        "٢٠٢٤-05-01",
        "x" * 10_000,
        1714550400,
        1.5,
        True,
        None,
        [],
        {},
    ],
)
def test_everything_else_is_the_empty_date(value: object) -> None:
    assert to_date(value) == ""


@given(st.datetimes(min_value=datetime(1, 1, 2), timezones=st.just(UTC)))
def test_a_moment_survives_every_spelling(moment: datetime) -> None:
    expected = date_text(moment)
    assert to_date(expected) == expected
    assert to_date(moment.isoformat()) == expected
    assert to_date(moment) == expected


@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),
    st.integers(min_value=-23 * 60, max_value=23 * 60),
)
def test_offsets_are_taken_off(moment: datetime, minutes: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert to_date(aware.isoformat(timespec="milliseconds")) == date_text(aware)


@given(st.text(max_size=70))
def test_no_text_breaks_it(text: str) -> None:
    found = to_date(text)
    assert found == "" or to_date(found) == found
