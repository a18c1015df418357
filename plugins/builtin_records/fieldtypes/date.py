"""``date``: a moment in UTC, kept as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pbhost.database import SqlValue
from pbhost.errors import JSON, REQUIRED, ErrorTree, FieldError
from pbhost.model import FieldValue, Record, ValueCheck, ValueTypes

from ..datetext import to_date
from .options import Option, OptionField


def _bound(value: JSON) -> str:
    return to_date(value)


@dataclass(kw_only=True)
class DateField(OptionField):
    """A moment between ``min`` and ``max`` (inclusive); ``""`` leaves a side open."""

    type: ClassVar[str] = "date"
    options: ClassVar = {"max": Option("max", _bound), "min": Option("min", _bound)}

    min: str = ""
    max: str = ""

    def zero(self) -> FieldValue:
        return ""

    def normalize(self, value: object) -> FieldValue:
        return to_date(value)

    def from_db(self, value: SqlValue) -> FieldValue:
        return to_date(value)

    def to_db(self, value: FieldValue) -> SqlValue:
        return to_date(value)

    def json_from_db(self, value: SqlValue) -> object:
        return to_date(value)

    def value_types(self) -> ValueTypes:
        return ValueTypes(
            python="str",
            python_input="str | datetime",
            typescript="string",
            typescript_input="string | Date",
            imports=("from datetime import datetime",),
        )

    def validate(self, value: FieldValue, record: Record, check: ValueCheck) -> FieldError | ErrorTree | None:
        moment = to_date(value)
        if not moment:
            return REQUIRED if self.required else None
        # canonical dates have one width, so they compare as texts
        if self.min and moment < self.min:
            return _out_of_range("validation_min_greater_equal_than_required", "less", self.min)
        if self.max and moment > self.max:
            return _out_of_range("validation_max_less_equal_than_required", "greater", self.max)
        return None


def _out_of_range(code: str, direction: str, bound: str) -> FieldError:
    day, clock = bound[:10], bound[11:19]
    fraction = bound[19:23].rstrip("0").rstrip(".")
    return FieldError(
        code,
        f"Must be no {direction} than {day} {clock}{fraction} +0000 UTC.",
        {"threshold": f"{day}T{clock}{fraction}Z"},
    )
