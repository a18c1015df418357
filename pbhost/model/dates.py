"""Dates in the stored form ``YYYY-MM-DD HH:MM:SS.mmmZ`` (UTC, milliseconds truncated); the empty date is ``""``."""

from __future__ import annotations

from datetime import UTC, datetime

from pbhost.model import clock


def format_date(moment: datetime) -> str:
    """The stored form of an aware datetime."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%d %H:%M:%S}.{utc.microsecond // 1000:03d}Z".zfill(24)


def now() -> str:
    """The current time in the stored form."""
    return format_date(clock.utc_now())
