"""``select``: one or several of a fixed list of values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pbhost.errors import REQUIRED, ErrorTree, FieldError
from pbhost.model import FieldValue, Record, SchemaCheck, ValueCheck, ValueTypes
from pbhost.validation import check as first_error
from pbhost.validation import collect, maximum, minimum

from ..casting import to_list
from .choices import ChoicesField
from .options import Option, integer, texts


@dataclass(kw_only=True)
class SelectField(ChoicesField):
    """A choice among ``values``."""

    type: ClassVar[str] = "select"
    options: ClassVar = {"max_select": Option("maxSelect", integer), "values": Option("values", texts)}

    values: list[str] | None = None

    def check_options(self, check: SchemaCheck) -> ErrorTree:
        values = self.values or []
        return collect(
            {
                "values": None if values else REQUIRED,
                "maxSelect": first_error(self.max_select, minimum(0), maximum(len(values))),
            }
        )

    def value_types(self) -> ValueTypes:
        return ValueTypes.of_choices(self.values or [], is_multiple=self.is_multiple, is_required=self.required)

    def validate(self, value: FieldValue, record: Record, check: ValueCheck) -> FieldError | ErrorTree | None:
        items = to_list(value)
        if not items:
            return REQUIRED if self.required else None
        if len(items) > max(self.max_select, 1):
            return too_many(max(self.max_select, 1))
        for item in items:
            if item not in (self.values or ()):
                return FieldError("validation_invalid_value", f"Invalid value {item}.", {"value": item})
        return None


def too_many(most: int) -> FieldError:
    """The error of more items than ``maxSelect``."""
    return FieldError("validation_too_many_values", f"Select no more than {most}.", {"maxSelect": most})
