"""The field type. A value is stored as JSON in one column, which is what paths of the filter language look into:
``price.amount``, ``price.currency``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Self

from pbhost import Field, FieldError, Record
from pbhost.database import SqlValue
from pbhost.errors import JSON, REQUIRED, ErrorTree
from pbhost.model import (
    FieldValue,
    OptionTypeError,
    SchemaCheck,
    StorageKind,
    ValueCheck,
    ValueTypes,
    decode_common,
    strings,
)
from pbhost.validation import collect
from pbhost_money_field.currencies import DECIMALS
from pbhost_money_field.money import MAX_AMOUNT, Money, MoneyError


class Unreadable(dict[str, object]):
    """What was submitted is no money. Kept until validation can say so; to rules it is an empty object."""

    def __init__(self, error: FieldError) -> None:
        self.error = error
        super().__init__()


@dataclass(kw_only=True)
class MoneyField(Field):
    """``{"amount": 1999, "currency": "EUR"}``, or null.

    Attributes:
        currencies: which are allowed; empty for all of ISO 4217.
        min: the least amount in minor units, None for any; max: the largest.
    """

    type: ClassVar[str] = "money"
    kind: ClassVar[StorageKind] = "json"
    modifiers: ClassVar[tuple[str, ...]] = ("f+", "f-")

    currencies: list[str] = field(default_factory=list)
    min: int | None = None
    max: int | None = None

    # -- options -----------------------------------------------------------------------------------------------------

    @classmethod
    def decode(cls, data: Mapping[str, JSON]) -> Self:
        made = cls(currencies=strings(data.get("currencies")), min=_bound(data, "min"), max=_bound(data, "max"))
        for name, value in decode_common(data).items():
            setattr(made, name, value)
        return made

    def encode(self) -> dict[str, JSON]:
        return {
            "currencies": [*self.currencies],
            "help": self.help,
            "hidden": self.hidden,
            "id": self.id,
            "max": self.max,
            "min": self.min,
            "name": self.name,
            "presentable": self.presentable,
            "required": self.required,
            "system": self.system,
            "type": self.type,
        }

    def check_options(self, check: SchemaCheck) -> ErrorTree:
        unknown = [code for code in self.currencies if code not in DECIMALS]
        is_crossed = self.min is not None and self.max is not None and self.max < self.min
        return collect(
            {
                "currencies": FieldError("money_unknown_currency", f"Unknown: {', '.join(unknown[:5])[:40]}.")
                if unknown
                else None,
                "max": FieldError("money_invalid_range", "Must not be less than min.") if is_crossed else None,
            }
        )

    # -- values ------------------------------------------------------------------------------------------------------

    def zero(self) -> FieldValue:
        return None

    def normalize(self, value: object) -> FieldValue:
        if value is None or value == "" or isinstance(value, (Money, Unreadable)):
            return None if value == "" else value
        try:
            return Money.parse(_unquoted(value))
        except MoneyError as error:
            return Unreadable(error.error)

    def set(self, record: Record, key: str, value: object) -> FieldValue:
        """``price+`` adds to what is stored, ``price-`` subtracts; nothing counts as nothing of any currency."""
        given = self.normalize(value)
        if key == self.name or not isinstance(given, Money):
            return given
        if key.endswith("-"):
            given = given.negated()
        stored = record.get(self.name)
        try:
            return stored.plus(given) if isinstance(stored, Money) else given
        except MoneyError as error:
            return Unreadable(error.error)

    def from_db(self, value: SqlValue) -> FieldValue:
        if not isinstance(value, str):
            return None
        try:
            return Money.parse(json.loads(value))
        except (ValueError, RecursionError):
            return None

    def to_db(self, value: FieldValue) -> SqlValue:
        money = self.normalize(value)
        return json.dumps(money, separators=(",", ":")) if isinstance(money, Money) else None

    def to_json(self, value: FieldValue) -> object:
        return value if isinstance(value, Money) else None

    def value_types(self) -> ValueTypes:
        """For ``pbhost types``."""
        return ValueTypes(
            python="Money | None",
            python_input="Money | dict[str, object] | str | None",
            typescript="{ amount: number; currency: string } | null",
            typescript_input="{ amount: number; currency: string } | string | null",
            imports=("from pbhost_money_field import Money",),
        )

    def json_schema(self, *, is_input: bool = False) -> dict[str, JSON]:
        """For ``/api/openapi.json``."""
        currency: dict[str, JSON] = {"type": "string"}
        if self.currencies:
            currency["enum"] = [*self.currencies]
        money: dict[str, JSON] = {
            "type": "object",
            "properties": {"amount": {"type": "integer"}, "currency": currency},
            "required": ["amount", "currency"],
            "additionalProperties": False,
        }
        text: list[JSON] = [{"type": "string"}] if is_input else []
        return {"anyOf": [money, *text, {"type": "null"}]}

    def validate(self, value: FieldValue, record: Record, check: ValueCheck) -> FieldError | None:
        if isinstance(value, Unreadable):
            return value.error
        if not isinstance(value, Money):
            return REQUIRED if self.required else None
        if self.currencies and value.currency not in self.currencies:
            allowed: list[JSON] = [*self.currencies]
            return FieldError(
                "money_currency_not_allowed", f"Must be in {', '.join(self.currencies)}.", {"currencies": allowed}
            )
        if self.min is not None and value.amount < self.min:
            return FieldError("money_too_little", f"Must be {Money(self.min, value.currency)} or more.")
        if self.max is not None and value.amount > self.max:
            return FieldError("money_too_much", f"Must be {Money(self.max, value.currency)} or less.")
        return None


def _bound(data: Mapping[str, JSON], name: str) -> int | None:
    value = data.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_AMOUNT:
        raise OptionTypeError(f"{name} must be a whole number of minor units")
    return value


def _unquoted(value: object) -> object:
    """Forms send JSON as text."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value
