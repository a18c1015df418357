"""An amount of money: a whole number of minor units of one currency."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final, Self

from pbhost import FieldError
from pbhost_money_field.currencies import DECIMALS

#: The largest amount that JavaScript and the database's doubles hold exactly.
MAX_AMOUNT: Final = 2**53 - 1
_TEXT: Final = re.compile(r"([+-]?[0-9]{1,20}(?:\.[0-9]{1,8})?) ?([A-Za-z]{3})", re.ASCII)

_FORM = FieldError(
    "money_invalid",
    'Must be an amount in minor units with a currency, such as {"amount": 1999, "currency": "EUR"}, or "19.99 EUR".',
)
_RANGE = FieldError("money_out_of_range", "The amount is too large.", {"max": MAX_AMOUNT})


class MoneyError(ValueError):
    """Something is no amount of money; ``error`` is what a client is told."""

    def __init__(self, error: FieldError) -> None:
        self.error = error
        super().__init__(error.message)


class Money(dict[str, object]):
    """``{"amount": 1999, "currency": "EUR"}``; a dict, so that rules and JSON see it as it is. Never changed in place.

    Raises:
        MoneyError: there is no such currency, or the amount is too large.
    """

    def __init__(self, amount: int, currency: str) -> None:
        if currency not in DECIMALS:
            raise MoneyError(FieldError("money_unknown_currency", "There is no such currency."))
        if abs(amount) > MAX_AMOUNT:
            raise MoneyError(_RANGE)
        self.amount = amount
        self.currency = currency
        super().__init__(amount=amount, currency=currency)

    @classmethod
    def parse(cls, value: object) -> Self:
        """Money from its JSON form, or from text such as ``19.99 EUR``.

        Raises:
            MoneyError: it is neither, or has more decimals than its currency.
        """
        if isinstance(value, str):
            return cls._of_text(value)
        if not isinstance(value, Mapping) or value.keys() != {"amount", "currency"}:
            raise MoneyError(_FORM)
        amount, currency = value["amount"], value["currency"]
        if isinstance(amount, float) and amount.is_integer():
            amount = int(amount)
        if isinstance(amount, bool) or not isinstance(amount, int) or not isinstance(currency, str):
            raise MoneyError(_FORM)
        return cls(amount, currency.upper())

    @classmethod
    def _of_text(cls, text: str) -> Self:
        found = _TEXT.fullmatch(text.strip())
        if found is None:
            raise MoneyError(_FORM)
        currency = found[2].upper()
        decimals = DECIMALS.get(currency, 0)
        try:
            minor = Decimal(found[1]).scaleb(decimals)
        except InvalidOperation:
            raise MoneyError(_RANGE) from None
        if minor != minor.to_integral_value():
            raise MoneyError(
                FieldError("money_too_many_decimals", f"{currency} has {decimals} decimals.", {"decimals": decimals})
            )
        return cls(int(minor), currency)

    def plus(self, other: Money) -> Money:
        """The sum.

        Raises:
            MoneyError: the currencies differ, or the sum is too large.
        """
        if other.currency != self.currency:
            raise MoneyError(
                FieldError(
                    "money_other_currency", f"The stored amount is in {self.currency}.", {"currency": self.currency}
                )
            )
        return Money(self.amount + other.amount, self.currency)

    def negated(self) -> Money:
        """The same amount with the other sign."""
        return Money(-self.amount, self.currency)

    @property
    def decimal(self) -> Decimal:
        """The amount in major units, exact: ``Decimal("19.99")``."""
        return Decimal(self.amount).scaleb(-DECIMALS[self.currency])

    def __str__(self) -> str:
        return f"{self.decimal:.{DECIMALS[self.currency]}f} {self.currency}"
