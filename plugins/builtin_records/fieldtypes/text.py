"""``text``: plain text with optional bounds, a pattern and generated values; also the primary key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from pbhost.errors import REQUIRED, ErrorTree, FieldError
from pbhost.model import FieldValue, Record, SchemaCheck, ValueCheck
from pbhost.validation import MUST_BE_BLANK, Rule, collect, maximum, minimum
from pbhost.validation import check as first_error

from ..autogenerate import UnsupportedPattern, generate, generator
from ..casting import to_text
from ..patterns import InvalidPattern, compile_pattern, matches
from .options import MAX_SAFE_INTEGER, Option, boolean, integer, size_rules, text
from .plain import PlainTextField

DEFAULT_ID_PATTERN = "^[a-z0-9]+$"
DEFAULT_ID_AUTOGENERATE = "[a-z0-9]{15}"
DEFAULT_ID = re.compile("[a-z0-9]+")

DEFAULT_MAX = 5000
_SAMPLES = 10
_FORBIDDEN_IN_KEYS = frozenset("./\\|\"'`<>:?*%$\0\t\n\r ")
_RESERVED_KEYS = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"COM{n}" for n in range(1, 10)), *(f"LPT{n}" for n in range(1, 10))}
)

_INVALID_FORMAT = FieldError("validation_invalid_format", "Invalid value format.")
_COMPOSITE_KEY = FieldError(
    "validation_unsupported_composite_pk",
    "Composite PKs are not supported and the collection must have only 1 PK.",
)
_KEY_TAKEN = FieldError("validation_pk_invalid", "The record primary key is invalid or already exists.")
_KEY_CHANGED = FieldError("validation_pk_change", "The record primary key cannot be changed.")
_KEY_NAME = FieldError("validation_in_invalid", 'The primary key must be named "id".')


@dataclass(kw_only=True)
class TextField(PlainTextField):
    """Text of ``min`` to ``max`` characters that matches ``pattern``."""

    type: ClassVar[str] = "text"
    modifiers: ClassVar[tuple[str, ...]] = ("f:autogenerate",)
    options: ClassVar = {
        "autogenerate_pattern": Option("autogeneratePattern", text),
        "max": Option("max", integer),
        "min": Option("min", integer),
        "pattern": Option("pattern", text),
        "primary_key": Option("primaryKey", boolean),
    }

    min: int = 0
    max: int = 0
    pattern: str = ""
    autogenerate_pattern: str = ""
    primary_key: bool = False

    # -- options -----------------------------------------------------------------------------------------------------

    def check_options(self, check: SchemaCheck) -> ErrorTree:
        max_rules: tuple[Rule, ...] = (minimum(self.min), maximum(MAX_SAFE_INTEGER)) if self.min > 0 else size_rules
        errors: dict[str, FieldError | ErrorTree | None] = {
            "min": first_error(self.min, *size_rules),
            "max": first_error(self.max, *max_rules),
            "pattern": pattern_error(self.pattern),
        }
        if self.primary_key:
            errors |= self._key_errors(check, errors["pattern"])
        if not any(errors.values()):
            errors["autogeneratePattern"] = self._autogenerate_error()
        return collect(errors)

    def _key_errors(
        self, check: SchemaCheck, pattern_error: FieldError | ErrorTree | None
    ) -> dict[str, FieldError | ErrorTree | None]:
        others = [field for field in check.collection.fields if isinstance(field, TextField) and field.primary_key]
        name_error = None if self.name == "id" else _KEY_NAME
        return {
            "name": name_error,
            "primaryKey": _COMPOSITE_KEY if len(others) > 1 and name_error is None else None,
            "pattern": pattern_error if self.pattern else REQUIRED,
            "required": None if self.required else REQUIRED,
            "hidden": MUST_BE_BLANK if self.hidden else None,
        }

    def _autogenerate_error(self) -> FieldError | None:
        if not self.autogenerate_pattern:
            return None
        invalid = pattern_error(self.autogenerate_pattern)
        if invalid is not None:
            return invalid
        try:
            produce = generator(self.autogenerate_pattern)
        except UnsupportedPattern as error:
            return FieldError("validation_invalid_autogenerate_pattern", str(error))
        for _ in range(_SAMPLES):
            sample = produce()
            if self._shape_error(sample) is not None:
                return FieldError(
                    "validation_invalid_autogenerate_pattern_value",
                    f'The provided autogenerate pattern could produce invalid field values, ex.: "{sample}".',
                )
        return None

    # -- values ------------------------------------------------------------------------------------------------------

    def set(self, record: Record, key: str, value: object) -> FieldValue:
        if key.endswith(":autogenerate") and key != self.name:
            return to_text(value) + (generate(self.autogenerate_pattern) if self.autogenerate_pattern else "")
        return to_text(value)

    def fill(self, record: Record, *, is_new: bool, now: str) -> None:
        if is_new and self.autogenerate_pattern and not record.text(self.name):
            record.put(self.name, generate(self.autogenerate_pattern))

    def validate(self, value: FieldValue, record: Record, check: ValueCheck) -> FieldError | ErrorTree | None:
        text_value = to_text(value)
        if not self.primary_key:
            return self._value_error(text_value)
        if not check.is_new:
            return None if text_value == record.original.get(self.name) else _KEY_CHANGED
        if self.pattern == DEFAULT_ID_PATTERN:
            return self._value_error(text_value)
        # A custom key may differ from another one in case only, which some file systems cannot keep apart.
        if self._is_taken(text_value, record, check):
            return _KEY_TAKEN
        return self._value_error(text_value) or _key_error(text_value)

    def _value_error(self, value: str) -> FieldError | None:
        if not value:
            return REQUIRED if self.required or self.primary_key else None
        return self._shape_error(value)

    def _shape_error(self, value: str) -> FieldError | None:
        size = len(value)
        if self.min and size < self.min:
            return too_short(self.min, {"min": self.min})
        most = self.max or DEFAULT_MAX
        if size > most:
            return FieldError(
                "validation_max_text_constraint", f"Must be no more than {most} character(s).", {"max": most}
            )
        return _INVALID_FORMAT if self.pattern and not _fits(self.pattern, value) else None

    def _is_taken(self, value: str, record: Record, check: ValueCheck) -> bool:
        dialect = check.connection.dialect
        table, column = dialect.quote(record.collection.name), dialect.quote(self.name)
        found = check.connection.fetch_one(
            f"SELECT 1 FROM {table} WHERE {dialect.lower(column)} = {dialect.lower('?')} LIMIT 1", (value,)
        )
        return found is not None


def too_short(least: int, params: dict[str, int] | None = None) -> FieldError:
    """The error of a text or password with too few characters."""
    return FieldError(
        "validation_min_text_constraint", f"Must be at least {least} character(s).", {**params} if params else {}
    )


def pattern_error(pattern: str) -> FieldError | None:
    """The error of a pattern option that does not compile."""
    try:
        compile_pattern(pattern)
    except InvalidPattern as error:
        return FieldError("validation_invalid_regex", str(error))
    return None


def _fits(pattern: str, value: str) -> bool:
    if pattern == DEFAULT_ID_PATTERN:
        # Nearly every record is created with an id of this form.
        return DEFAULT_ID.fullmatch(value) is not None
    try:
        return matches(pattern, value)
    except InvalidPattern:
        return False  # a pattern edited in the database by hand refuses everything rather than nothing


def _key_error(value: str) -> FieldError | None:
    for char in value:
        if char in _FORBIDDEN_IN_KEYS:
            return FieldError(
                "validation_forbidden_pk_character", f"'{char}' is not a valid primary key character.", {"ch": char}
            )
    if value.upper() in _RESERVED_KEYS:
        return FieldError(
            "validation_reserved_pk",
            f"The primary key '{value}' is reserved and cannot be used.",
            {"reserved": value},
        )
    return None
