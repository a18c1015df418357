"""Macros and functions of the language (8.6, 8.10)."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from .values import Scalar


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def _first(now: datetime, **parts: int) -> str:
    return _text(now.replace(hour=0, minute=0, second=0, microsecond=0, **parts))


def _last(now: datetime, **parts: int) -> str:
    return _text(now.replace(hour=23, minute=59, second=59, microsecond=999_000, **parts))


def _days_of_month(now: datetime) -> int:
    return next(day for day in (31, 30, 29, 28) if _is_day(now, day))


def _is_day(now: datetime, day: int) -> bool:
    try:
        now.replace(day=day)
    except ValueError:
        return False
    return True


MACROS: Mapping[str, Callable[[datetime], str | int]] = {
    "@now": _text,
    "@yesterday": lambda now: _text(now - timedelta(days=1)),
    "@tomorrow": lambda now: _text(now + timedelta(days=1)),
    "@second": lambda now: now.second,
    "@minute": lambda now: now.minute,
    "@hour": lambda now: now.hour,
    "@day": lambda now: now.day,
    "@weekday": lambda now: int(now.strftime("%w")),
    "@month": lambda now: now.month,
    "@year": lambda now: now.year,
    "@todayStart": _first,
    "@todayEnd": _last,
    "@monthStart": lambda now: _first(now, day=1),
    "@monthEnd": lambda now: _last(now, day=_days_of_month(now)),
    "@yearStart": lambda now: _first(now, month=1, day=1),
    "@yearEnd": lambda now: _last(now, month=12, day=31),
}


def kilometres(values: Sequence[Scalar]) -> float | None:
    if not all(isinstance(value, (int, float)) for value in values):
        return None
    lon_a, lat_a, lon_b, lat_b = (math.radians(value) for value in values)
    cosine = math.cos(lat_a) * math.cos(lat_b) * math.cos(lon_b - lon_a) + math.sin(lat_a) * math.sin(lat_b)
    return 6371 * math.acos(cosine) if -1 <= cosine <= 1 else None


_scratch = sqlite3.connect(":memory:", check_same_thread=False)


def strftime(values: Sequence[Scalar]) -> Scalar:
    marks = ", ".join("?" * len(values))
    ((result,),) = _scratch.execute(f"SELECT strftime({marks})", list(values))
    return result
