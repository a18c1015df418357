"""The base of all fields whose value is a text and whose column is text."""

from __future__ import annotations

from dataclasses import dataclass

from pbhost.database import SqlValue
from pbhost.model import FieldValue

from ..casting import to_text
from .options import OptionField


@dataclass(kw_only=True)
class PlainTextField(OptionField):
    """A field with a text value; ``""`` is its zero value."""

    def zero(self) -> FieldValue:
        return ""

    def normalize(self, value: object) -> FieldValue:
        return to_text(value)

    def from_db(self, value: SqlValue) -> FieldValue:
        return value if isinstance(value, str) else to_text(value)

    def to_db(self, value: FieldValue) -> SqlValue:
        return to_text(value)

    def json_from_db(self, value: SqlValue) -> object:
        return value if isinstance(value, str) else to_text(value)
