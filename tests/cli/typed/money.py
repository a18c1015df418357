"""A third party's field type that says what its values are; copied into ``pb_plugins`` by the tests of types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import ClassVar, Self

from pbhost import hookimpl
from pbhost.database import SqlValue
from pbhost.errors import JSON
from pbhost.model import Field, FieldValue, ValueTypes, decode_common


@dataclass(kw_only=True)
class PriceField(Field):
    """An exact amount, kept as text."""

    type: ClassVar[str] = "price"

    @classmethod
    def decode(cls, data: Mapping[str, JSON]) -> Self:
        found = cls()
        for name, value in decode_common(data).items():
            setattr(found, name, value)
        return found

    def encode(self) -> dict[str, JSON]:
        return {
            "hidden": self.hidden,
            "id": self.id,
            "name": self.name,
            "presentable": self.presentable,
            "required": self.required,
            "system": self.system,
            "type": self.type,
        }

    def zero(self) -> FieldValue:
        return ""

    def normalize(self, value: object) -> FieldValue:
        try:
            return str(Decimal(str(value)))
        except InvalidOperation:
            return ""

    def from_db(self, value: SqlValue) -> FieldValue:
        return self.normalize(value)

    def to_db(self, value: FieldValue) -> SqlValue:
        return str(value)

    def value_types(self) -> ValueTypes:
        return ValueTypes(
            python="Decimal",
            python_input="Decimal | int",
            typescript="`${number}`",
            typescript_input="`${number}` | number",
            imports=("from decimal import Decimal",),
        )

    def to_python(self, value: FieldValue) -> object:
        return Decimal(str(value) or 0)


@hookimpl
def register_field_types() -> list[type[Field]]:
    return [PriceField]
