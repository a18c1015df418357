"""Reading dates: every text form of records.md 12.8 becomes ``2024-05-01 08:00:00.999Z`` or the empty date ``""``.

Dates are handled as that canonical text throughout. Two canonical dates compare as strings, and unlike ``datetime``
the text can hold the year 0 that bare times fall into.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

EMPTY = ""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS_BEFORE_YEAR_1 = 366  # the year 0 of the proleptic calendar is a leap year
_YEAR_1 = "0001-01-01 00:00:00.000Z"
_LONGEST = 64

_DATE = r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
_HOUR_MINUTE = r"(?P<hour>\d{1,2}):(?P<minute>\d\d)"
_TIME = rf"{_HOUR_MINUTE}:(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?"
_OFFSET = r"(?P<offset>[+-]\d\d:?\d\d)"
_COMPACT_OFFSET = r"(?P<offset>[+-]\d{4})"
_ZONE_NAME = r"[A-Z]{3,5}"
_WEEKDAY = r"(?i:mon|tue|wed|thu|fri|sat|sun)"
_LONG_WEEKDAY = r"(?i:monday|tuesday|wednesday|thursday|friday|saturday|sunday)"
_MONTH_NAME = r"(?P<month_name>(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))"
_TWO_DIGIT_DAY = r"(?P<day>\d\d)"
_PADDED_DAY = r" ?(?P<day>\d{1,2})"
_SHORT_YEAR = r"(?P<short_year>\d\d)"
_YEAR = r"(?P<year>\d{4})"

_CANONICAL = re.compile(
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8]) (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z", re.ASCII
)
_LAYOUTS = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        rf"{_DATE} {_TIME}(?:Z|{_OFFSET})?",
        rf"{_DATE}T{_TIME}(?:Z|{_OFFSET})?",
        _DATE,
        rf"{_DATE} {_TIME} {_OFFSET}",
        rf"{_DATE} {_TIME} {_COMPACT_OFFSET} {_ZONE_NAME}",
        rf"{_WEEKDAY}, {_TWO_DIGIT_DAY} {_MONTH_NAME} {_YEAR} {_TIME} (?:{_COMPACT_OFFSET}|{_ZONE_NAME})",
        rf"{_LONG_WEEKDAY}, {_TWO_DIGIT_DAY}-{_MONTH_NAME}-{_SHORT_YEAR} {_TIME} {_ZONE_NAME}",
        rf"{_TWO_DIGIT_DAY} {_MONTH_NAME} {_SHORT_YEAR} {_HOUR_MINUTE} (?:{_COMPACT_OFFSET}|{_ZONE_NAME})",
        rf"{_WEEKDAY} {_MONTH_NAME} {_PADDED_DAY} {_TIME} (?:{_ZONE_NAME} )?{_YEAR}",
        rf"{_WEEKDAY} {_MONTH_NAME} {_TWO_DIGIT_DAY} {_TIME} {_COMPACT_OFFSET} {_YEAR}",
        rf"{_TWO_DIGIT_DAY} {_MONTH_NAME} {_YEAR}",
        rf"{_HOUR_MINUTE}(?P<half>AM|PM)",
        rf"{_MONTH_NAME} {_PADDED_DAY} {_TIME}",
    )
)


#: Texts that were found to be dates in the stored form. Checking one costs more than all other fields of most rows.
_known: dict[str, str] = {}
_MOST_KNOWN = 20_000

#: The same text if it is known to be a stored date (never the empty one), else None.
known_date = _known.get


def remembered_date(value: object) -> str:
    """:func:`to_date`, which remembers what is in the stored form already."""
    found = to_date(value)
    if found and found == value and found.__class__ is str:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[found] = found
    return found


def to_date(value: object) -> str:
    """The canonical text of a date.

    Args:
        value: text in one of the recognised forms, a ``datetime`` or a ``date`` (both from Python code only).

    Returns:
        ``YYYY-MM-DD HH:MM:SS.mmmZ`` in UTC, milliseconds truncated; ``""`` for everything that is not a date.
    """
    if isinstance(value, str):
        if _CANONICAL.fullmatch(value):
            return EMPTY if value == _YEAR_1 else value
        return _parse(value) if 0 < len(value) <= _LONGEST else EMPTY
    if isinstance(value, datetime):
        return date_text(value)
    if isinstance(value, date):
        return date_text(datetime(value.year, value.month, value.day, tzinfo=UTC))
    return EMPTY


def date_text(moment: datetime) -> str:
    """The canonical text of a moment; one without a zone is taken as UTC."""
    moment = moment.astimezone(UTC) if moment.tzinfo else moment
    text = f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
    full = f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d} {text}"
    return EMPTY if full == _YEAR_1 else full


def to_datetime(text: str) -> datetime | None:
    """The moment of a canonical date text; ``None`` for the empty date and for the year 0."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class _Parts:
    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    milliseconds: int
    offset_minutes: int

    def canonical(self) -> str:
        if not (1 <= self.month <= 12 and 1 <= self.day <= _days_in_month(self.year, self.month)):
            return EMPTY
        if self.hour > 23 or self.minute > 59 or self.second > 59:
            return EMPTY
        minutes = _day_number(self.year, self.month, self.day) * 1440 + self.hour * 60 + self.minute
        days, minute_of_day = divmod(minutes - self.offset_minutes, 1440)
        year, month, day = _civil(days)
        if not 0 <= year <= 9999:
            return EMPTY
        clock = f"{minute_of_day // 60:02d}:{minute_of_day % 60:02d}:{self.second:02d}.{self.milliseconds:03d}Z"
        text = f"{year:04d}-{month:02d}-{day:02d} {clock}"
        return EMPTY if text == _YEAR_1 else text


def _parse(text: str) -> str:
    for layout in _LAYOUTS:
        found = layout.fullmatch(text)
        if found:
            parts = _parts(found.groupdict())
            return parts.canonical() if parts else EMPTY
    return EMPTY


def _parts(found: dict[str, str | None]) -> _Parts | None:
    hour = int(found.get("hour") or 0)
    half = found.get("half")
    if half:
        if hour > 12:
            return None
        hour = hour % 12 + (12 if half == "PM" else 0)
    offset = _offset_minutes(found.get("offset"))
    if offset is None:
        return None
    month_name = found.get("month_name")
    return _Parts(
        year=_year(found),
        month=_MONTHS.index(month_name.lower()) + 1 if month_name else int(found.get("month") or 1),
        day=int(found.get("day") or 1),
        hour=hour,
        minute=int(found.get("minute") or 0),
        second=int(found.get("second") or 0),
        milliseconds=int(((found.get("fraction") or "") + "000")[:3]),
        offset_minutes=offset,
    )


def _year(found: dict[str, str | None]) -> int:
    short = found.get("short_year")
    if short:
        return int(short) + (1900 if int(short) >= 69 else 2000)
    return int(found.get("year") or 0)


def _offset_minutes(offset: str | None) -> int | None:
    """Minutes east of UTC; ``None`` when a part is out of range."""
    if not offset:
        return 0
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    if hours > 23 or minutes > 59:
        return None
    return (hours * 60 + minutes) * (-1 if offset[0] == "-" else 1)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _days_in_month(year: int, month: int) -> int:
    if month == 2:
        return 29 if _is_leap(year) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def _day_number(year: int, month: int, day: int) -> int:
    """Days since 0001-01-01; the year 0 lies before it."""
    if year >= 1:
        return date(year, month, day).toordinal() - 1
    # the year 4 has the shape of the year 0, four years (1461 days) later
    return date(4, month, day).toordinal() - 1 - 1461


def _civil(days: int) -> tuple[int, int, int]:
    if 0 <= days < date.max.toordinal():
        found = date.fromordinal(days + 1)
        return found.year, found.month, found.day
    if -_DAYS_BEFORE_YEAR_1 <= days < 0:
        found = date.fromordinal(days + 1 + 1461)
        return 0, found.month, found.day
    return -1, 1, 1
