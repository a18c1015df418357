"""``json``: any JSON value, kept in the spelling it was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import orjson

from pbhost.database import SqlValue
from pbhost.errors import REQUIRED, ErrorTree, FieldError
from pbhost.model import FieldValue, Record, SchemaCheck, StorageKind, ValueCheck
from pbhost.validation import check as first_error
from pbhost.validation import collect

from ..jsontext import BrokenJson, JsonText, json_from_column, json_of
from .options import Option, OptionField, integer, size_rules

DEFAULT_MAX_SIZE = 1 << 20

_INVALID = FieldError("validation_invalid_json", "Must be a valid json value.")
_EMPTY_TEXTS = frozenset({"", "null", '""', "[]", "{}"})


@dataclass(kw_only=True)
class JsonField(OptionField):
    """A JSON value of at most ``max_size`` bytes. The record holds a ``JsonText``, or None when nothing was set."""

    type: ClassVar[str] = "json"
    kind: ClassVar[StorageKind] = "json"
    options: ClassVar = {"max_size": Option("maxSize", integer)}

    max_size: int = 0

    def check_options(self, check: SchemaCheck) -> ErrorTree:
        return collect({"maxSize": first_error(self.max_size, *size_rules)})

    def zero(self) -> FieldValue:
        return None

    def normalize(self, value: object) -> FieldValue:
        return json_of(value)

    def is_empty(self, value: FieldValue) -> bool:
        if isinstance(value, BrokenJson):
            return False
        return value is None or (isinstance(value, JsonText) and value.text in _EMPTY_TEXTS)

    def from_db(self, value: SqlValue) -> FieldValue:
        return json_from_column(value)

    def to_db(self, value: FieldValue) -> SqlValue:
        found = value if isinstance(value, JsonText) else json_of(value)
        return None if found is None else found.text

    def to_json(self, value: FieldValue) -> object:
        found = value if isinstance(value, JsonText) else json_of(value)
        return None if found is None else found.fragment()

    def json_from_db(self, value: SqlValue) -> object:
        if isinstance(value, str):
            try:
                orjson.loads(value)
            except orjson.JSONDecodeError:
                return self.to_json(json_from_column(value))
            return orjson.Fragment(value)
        return self.to_json(json_from_column(value))

    def validate(self, value: FieldValue, record: Record, check: ValueCheck) -> FieldError | ErrorTree | None:
        if self.is_empty(value):
            return REQUIRED if self.required else None
        if not isinstance(value, JsonText) or isinstance(value, BrokenJson):
            return _INVALID
        most = self.max_size or DEFAULT_MAX_SIZE
        if len(value.text.encode("utf-8", "surrogatepass")) > most:
            return FieldError(
                "validation_json_size_limit", f"The maximum allowed JSON size is {most} bytes.", {"maxSize": most}
            )
        return None
