"""``number``: a double."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from pbhost.database import SqlValue
from pbhost.errors import REQUIRED, ErrorTree, FieldError
from pbhost.model import FieldValue, Record, SchemaCheck, StorageKind, ValueCheck
from pbhost.validation import collect, number_text

from ..casting import to_number
from ..jsontext import json_number
from .options import Option, OptionField, boolean, number

_ONLY_INTEGERS = FieldError("validation_only_int_constraint", "Decimal numbers are not allowed.")
_NOT_A_NUMBER = FieldError("validation_not_a_number", "The submitted number is not properly formatted.")


@dataclass(kw_only=True)
class NumberField(OptionField):
    """A number between ``min`` and ``max``; ``None`` leaves a side open. Zero counts as empty."""

    type: ClassVar[str] = "number"
    kind: ClassVar[StorageKind] = "number"
    modifiers: ClassVar[tuple[str, ...]] = ("f+", "f-")
    options: ClassVar = {
        "max": Option("max", number),
        "min": Option("min", number),
        "only_int": Option("onlyInt", boolean),
    }

    min: float | None = None
    max: float | None = None
    only_int: bool = False

    def check_options(self, check: SchemaCheck) -> ErrorTree:
        return collect({"min": self._whole_error(self.min), "max": self._whole_error(self.max) or self._order_error()})

    def _whole_error(self, bound: float | None) -> FieldError | None:
        return _ONLY_INTEGERS if self.only_int and bound is not None and bound != int(bound) else None

    def _order_error(self) -> FieldError | None:
        if self.min is None or self.max is None or self.max >= self.min:
            return None
        return _too_low(self.min)

    def zero(self) -> FieldValue:
        return 0.0

    def normalize(self, value: object) -> FieldValue:
        return to_number(value)

    def set(self, record: Record, key: str, value: object) -> FieldValue:
        if key == self.name:
            return to_number(value)
        change = to_number(value)
        return to_number(record.get(self.name)) + (change if key.endswith("+") else -change)

    def from_db(self, value: SqlValue) -> FieldValue:
        return to_number(value)

    def to_db(self, value: FieldValue) -> SqlValue:
        return to_number(value)

    def to_json(self, value: FieldValue) -> object:
        return json_number(to_number(value))

    def json_from_db(self, value: SqlValue) -> object:
        return json_number(value) if isinstance(value, (int, float)) else json_number(to_number(value))

    def validate(self, value: FieldValue, record: Record, check: ValueCheck) -> FieldError | ErrorTree | None:
        number_value = to_number(value)
        if not math.isfinite(number_value):
            return _NOT_A_NUMBER
        if number_value == 0:
            return REQUIRED if self.required else None
        if self.only_int and number_value != int(number_value):
            return _ONLY_INTEGERS
        if self.min is not None and number_value < self.min:
            return _too_low(self.min)
        if self.max is not None and number_value > self.max:
            return FieldError(
                "validation_max_number_constraint",
                f"Must be less or equal than {_bound_text(self.max)}.",
                {"max": self.max},
            )
        return None


def _too_low(least: float) -> FieldError:
    return FieldError(
        "validation_min_number_constraint", f"Must be greater or equal than {_bound_text(least)}.", {"min": least}
    )


def _bound_text(bound: float) -> str:
    return number_text(float(bound))
