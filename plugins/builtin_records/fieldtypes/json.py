"""``json``: any JSON value, kept in the spelling it was given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import orjson

from pbhost.database import SqlValue
from pbhost.errors import JSON, REQUIRED, ErrorTree, FieldError
from pbhost.model import FieldValue, OptionTypeError, Record, SchemaCheck, StorageKind, ValueCheck, ValueTypes
from pbhost.validation import check as first_error
from pbhost.validation import collect

from ..jsonschemas import CompiledSchema, InvalidSchema, JsonSchema
from ..jsontext import BrokenJson, JsonText, json_from_column, json_of
from .options import Option, OptionField, integer, size_rules

DEFAULT_MAX_SIZE = 1 << 20

_INVALID = FieldError("validation_invalid_json", "Must be a valid json value.")
EMPTY_TEXTS = frozenset({"", "null", '""', "[]", "{}"})
#: What stands for no value at all, whatever the schema.
_UNSET_TEXTS = frozenset({"", "null", '""'})


def json_schema(value: JSON) -> JsonSchema:
    """A JSON Schema: an object or a boolean."""
    if not isinstance(value, (dict, bool)):
        raise OptionTypeError("must be a JSON Schema: an object or a boolean")
    return value


@dataclass(kw_only=True)
class JsonField(OptionField):
    """A JSON value of at most ``max_size`` bytes. The record holds a ``JsonText``, or None when nothing was set.

    With a ``schema`` values have to follow that JSON Schema. The option is absent from the field's JSON while it is not
    set, so that fields without one are exactly PocketBase's.
    """

    type: ClassVar[str] = "json"
    kind: ClassVar[StorageKind] = "json"
    options: ClassVar = {"max_size": Option("maxSize", integer), "schema": Option("schema", json_schema)}
    optional_keys: ClassVar[tuple[str, ...]] = ("schema",)

    max_size: int = 0
    schema: JsonSchema | None = None
    _compiled: CompiledSchema | None = field(default=None, init=False, repr=False, compare=False)

    def check_options(self, check: SchemaCheck) -> ErrorTree:
        return collect({"maxSize": first_error(self.max_size, *size_rules), "schema": self._schema_error()})

    def _schema_error(self) -> FieldError | None:
        if self.schema is None:
            return None
        try:
            CompiledSchema(self.schema)
        except InvalidSchema as error:
            return FieldError("validation_invalid_json_schema", f"Invalid JSON Schema: {error}")
        return None

    def zero(self) -> FieldValue:
        return None

    def normalize(self, value: object) -> FieldValue:
        return json_of(value)

    def is_empty(self, value: FieldValue) -> bool:
        if isinstance(value, BrokenJson):
            return False
        return value is None or (isinstance(value, JsonText) and value.text in EMPTY_TEXTS)

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

    def value_types(self) -> ValueTypes:
        # What is assigned may be made of any types that JSON can say, typed dictionaries among them.
        return ValueTypes(python="JSON", python_input="object", typescript="JsonValue", typescript_input="unknown")

    def to_python(self, value: FieldValue) -> object:
        return value.value if isinstance(value, JsonText) else None

    def validate(self, value: FieldValue, record: Record, check: ValueCheck) -> FieldError | ErrorTree | None:
        if self.is_empty(value) and (self.required or value is None or self.schema is None):
            return REQUIRED if self.required else None
        if not isinstance(value, JsonText) or isinstance(value, BrokenJson):
            return _INVALID
        most = self.max_size or DEFAULT_MAX_SIZE
        if len(value.text.encode("utf-8", "surrogatepass")) > most:
            return FieldError(
                "validation_json_size_limit", f"The maximum allowed JSON size is {most} bytes.", {"maxSize": most}
            )
        return self._violation(value)

    def _violation(self, value: JsonText) -> FieldError | None:
        if self.schema is None or value.text in _UNSET_TEXTS:
            return None
        if self._compiled is None:
            try:
                self._compiled = CompiledSchema(self.schema)
            except InvalidSchema as error:
                # Written past the checks, by hand: nothing can be said to follow it.
                return FieldError("validation_json_schema", f"The field's schema cannot be used: {error}")
        return self._compiled.error(value.value)
