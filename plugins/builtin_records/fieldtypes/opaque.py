"""What stands for a field whose type no loaded plugin provides: nothing of it is lost, nothing of it is understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar, Self, cast

from pbhost.database import SqlValue
from pbhost.errors import JSON
from pbhost.model import Field, FieldValue, ValueTypes, decode_common


@dataclass(kw_only=True)
class OpaqueField(Field):
    """Keeps its options and stored values as they are."""

    type: ClassVar[str] = ""

    stored: dict[str, JSON] = field(default_factory=dict)

    @classmethod
    def decode(cls, data: Mapping[str, JSON]) -> Self:
        found = cls(stored=dict(data))
        for attribute, value in decode_common(data).items():
            setattr(found, attribute, value)
        return found

    def encode(self) -> dict[str, JSON]:
        common: dict[str, JSON] = {
            "hidden": self.hidden,
            "id": self.id,
            "name": self.name,
            "presentable": self.presentable,
            "system": self.system,
            "type": self.type,
        }
        return dict(sorted({**self.stored, **common}.items()))

    @property
    def is_multiple(self) -> bool:
        most = self.stored.get("maxSelect")
        return isinstance(most, int) and most > 1

    def value_types(self) -> ValueTypes:
        return ValueTypes(python="object", typescript="JsonValue", typescript_input="unknown")

    def zero(self) -> FieldValue:
        return ""

    def normalize(self, value: object) -> FieldValue:
        return value if isinstance(value, (str, int, float)) else ""

    def from_db(self, value: SqlValue) -> FieldValue:
        return value

    def to_db(self, value: FieldValue) -> SqlValue:
        return cast("SqlValue", value) if isinstance(value, (str, int, float, bytes)) else ""


@lru_cache(maxsize=64)
def opaque_type(name: str) -> type[OpaqueField]:
    """The class that stands for the field type of that name."""
    return type(f"OpaqueField_{name}", (OpaqueField,), {"type": name, "__doc__": OpaqueField.__doc__})
