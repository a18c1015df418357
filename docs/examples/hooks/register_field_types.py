"""A field type ``colour``: text of the form ``#rrggbb``."""

import re
from dataclasses import dataclass
from typing import ClassVar

from pbhost import Field, FieldError, hookimpl


@dataclass(kw_only=True)
class ColourField(Field):
    type: ClassVar[str] = "colour"
    kind: ClassVar[str] = "text"

    @classmethod
    def decode(cls, data):
        names = ("id", "name", "system", "hidden", "presentable")
        return cls(**{name: data[name] for name in names if name in data})

    def encode(self):
        return {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "system": self.system,
            "hidden": self.hidden,
            "presentable": self.presentable,
        }

    def zero(self):
        return ""

    def normalize(self, value):
        return str(value or "").lower()

    def from_db(self, value):
        return str(value or "")

    def to_db(self, value):
        return value

    def validate(self, value, record, check):
        if value and not re.fullmatch(r"#[0-9a-f]{6}", value):
            return FieldError("validation_colour", "Must look like #3366cc.")
        return None


@hookimpl
def register_field_types(app):
    return [ColourField]
