"""``autodate``: the time of the create and/or of the last update, set by the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pbhost.database import SqlValue
from pbhost.errors import ErrorTree, FieldError
from pbhost.model import FieldValue, Record, SchemaCheck, ValueTypes
from pbhost.validation import VALUES_MISMATCH, collect

from ..datetext import to_date
from .options import Option, OptionField, boolean

_NEITHER = FieldError("validation_required", "Either onCreate or onUpdate must be enabled.")


@dataclass(kw_only=True)
class AutodateField(OptionField):
    """A date that nobody sets: values of clients and of code are ignored."""

    type: ClassVar[str] = "autodate"
    has_required: ClassVar[bool] = False
    options: ClassVar = {"on_create": Option("onCreate", boolean), "on_update": Option("onUpdate", boolean)}

    on_create: bool = False
    on_update: bool = False

    def check_options(self, check: SchemaCheck) -> ErrorTree:
        if not self.on_create and not self.on_update:
            return {"onCreate": _NEITHER, "onUpdate": _NEITHER}
        stored = check.old.field_by_id(self.id) if check.old is not None and self.system else None
        if not isinstance(stored, AutodateField) or not stored.system:
            return {}
        return collect(
            {
                "onCreate": None if self.on_create == stored.on_create else VALUES_MISMATCH,
                "onUpdate": None if self.on_update == stored.on_update else VALUES_MISMATCH,
            }
        )

    def zero(self) -> FieldValue:
        return ""

    def normalize(self, value: object) -> FieldValue:
        return to_date(value)

    def set(self, record: Record, key: str, value: object) -> FieldValue:
        return record.get(self.name, "")

    def stamp(self, record: Record, *, is_new: bool, now: str) -> None:
        if self.on_create if is_new else self.on_update:
            record.put(self.name, now)

    def value_types(self) -> ValueTypes:
        return ValueTypes(python="str", python_input="Never", typescript="string", typescript_input="never")

    def from_db(self, value: SqlValue) -> FieldValue:
        return to_date(value)

    def to_db(self, value: FieldValue) -> SqlValue:
        return to_date(value)

    def json_from_db(self, value: SqlValue) -> object:
        return to_date(value)
