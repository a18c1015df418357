"""The ``@now`` family: values of the moment of a request, in UTC."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from pbhost.model.dates import format_date


def _start_of_day(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _end_of_day(now: datetime) -> datetime:
    return now.replace(hour=23, minute=59, second=59, microsecond=999_000)


def _last_of_month(now: datetime) -> datetime:
    return (now.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _last_of_year(now: datetime) -> datetime:
    return now.replace(month=12, day=31)


#: By name; the argument is the request's moment in UTC.
MACROS: Mapping[str, Callable[[datetime], str | int]] = {
    "@now": format_date,
    "@yesterday": lambda now: format_date(now - timedelta(days=1)),
    "@tomorrow": lambda now: format_date(now + timedelta(days=1)),
    "@second": lambda now: now.second,
    "@minute": lambda now: now.minute,
    "@hour": lambda now: now.hour,
    "@day": lambda now: now.day,
    "@weekday": lambda now: now.isoweekday() % 7,
    "@month": lambda now: now.month,
    "@year": lambda now: now.year,
    "@todayStart": lambda now: format_date(_start_of_day(now)),
    "@todayEnd": lambda now: format_date(_end_of_day(now)),
    "@monthStart": lambda now: format_date(_start_of_day(now.replace(day=1))),
    "@monthEnd": lambda now: format_date(_end_of_day(_last_of_month(now))),
    "@yearStart": lambda now: format_date(_start_of_day(now.replace(month=1, day=1))),
    "@yearEnd": lambda now: format_date(_end_of_day(_last_of_year(now))),
}
