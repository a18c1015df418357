"""Cron expressions: minute, hour, day of month, month, day of week, or a macro. All five must match a moment.

The day of month and the day of week are AND-ed, which no cron library of the field does; hence our own few lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_INT64 = 1 << 63


class CronExpressionError(ValueError):
    """The text is not a cron expression; the message is meant for the person who typed it."""


@dataclass(frozen=True, slots=True)
class CronExpression:
    """A parsed expression; ``text`` is the five-field form (macros expanded)."""

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> CronExpression:
        """The expression that ``text`` spells.

        Raises:
            CronExpressionError: it spells none.
        """
        expanded = MACROS.get(text, text)
        segments = expanded.split(" ")
        if len(segments) != len(_BOUNDS):
            raise CronExpressionError(
                "invalid cron expression - must be a valid macro or to have exactly 5 space separated segments"
            )
        minutes, hours, days, months, weekdays = (
            _segment(segment, low, high) for segment, (low, high) in zip(segments, _BOUNDS, strict=True)
        )
        return cls(expanded, minutes, hours, days, months, weekdays)

    def matches(self, moment: datetime) -> bool:
        """Whether a job with this schedule is due in the minute of ``moment``."""
        return (
            moment.minute in self.minutes
            and moment.hour in self.hours
            and moment.day in self.days
            and moment.month in self.months
            and moment.isoweekday() % 7 in self.weekdays
        )


def _segment(text: str, low: int, high: int) -> frozenset[int]:
    """The values that one of the five fields allows."""
    values: set[int] = set()
    for form in text.split(","):
        values.update(_form(form, low, high))
    return frozenset(values)


def _form(text: str, low: int, high: int) -> range:
    """The values of one element of a list: ``*``, ``n``, ``a-b``, each with an optional ``/step``."""
    span, *rest = text.split("/")
    if len(rest) > 1:
        raise CronExpressionError("invalid segment step format - must be in the format */n or 1-30/n")
    step = _integer(rest[0]) if rest else 1
    if not 1 <= step <= high:
        raise CronExpressionError(f"invalid segment step boundary - the step must be between 1 and the {high}")
    if span == "*":
        return range(low, high + 1, step)
    ends = span.split("-")
    if len(ends) > 2:
        raise CronExpressionError("invalid segment range format - the range must have 1 or 2 parts")
    if len(ends) == 1:
        if step > 1:
            raise CronExpressionError(
                "invalid segment step - step > 1 could be used only with the wildcard or range format"
            )
        value = _integer(span)
        if not low <= value <= high:
            raise CronExpressionError("invalid segment value - must be between the min and max of the segment")
        return range(value, value + 1)
    first = _integer(ends[0])
    if not low <= first <= high:
        raise CronExpressionError(f"invalid segment range minimum - must be between {low} and {high}")
    last = _integer(ends[1])
    if not first <= last <= high:
        raise CronExpressionError(f"invalid segment range maximum - must be between {first} and {high}")
    return range(first, last + 1, step)


def _integer(text: str) -> int:
    """A decimal integer, with the error texts that PocketBase's clients see."""
    if not _INTEGER.fullmatch(text):
        raise CronExpressionError(f'strconv.Atoi: parsing "{text}": invalid syntax')
    # int() on an unbounded digit string is quadratic and refuses past 4300 digits.
    if len(text) > 20 or not -_INT64 <= int(text) < _INT64:
        raise CronExpressionError(f'strconv.Atoi: parsing "{text}": value out of range')
    return int(text)
