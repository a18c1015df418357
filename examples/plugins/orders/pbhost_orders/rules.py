"""What an order may be and become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from pbhost import FieldError, Record, ValidationError
from pbhost.errors import REQUIRED, ErrorTree
from pbhost.validation import collect
from pbhost_orders.ledger import out_of_stock, records_of
from pbhost_orders.schema import MAX_QUANTITY, PRODUCTS

if TYPE_CHECKING:
    from pbhost.hooks.events import RecordEvent
    from pbhost.services import SyncRecords

#: Status → what it may become.
TRANSITIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "placed": ("paid", "cancelled"),
    "paid": ("shipped", "cancelled"),
    "shipped": (),
    "cancelled": (),
}
_FIXED: Final = ("customer", "lines", "total")

_UNKNOWN = FieldError("orders_unknown_product", "There is no such product.")
_REPEATED = FieldError("orders_repeated_product", "The product is in an earlier line already.")
_NOT_LINES = FieldError("orders_invalid_lines", "Must be a list of objects with product and quantity.")
_QUANTITY = FieldError(
    "orders_invalid_quantity",
    f"Must be a whole number from 1 to {MAX_QUANTITY}.",
    {"max": MAX_QUANTITY, "min": 1},
)
_CHANGED = FieldError("orders_fixed", "Cannot be changed once the order is placed.")


@dataclass(frozen=True, slots=True)
class Line:
    """So much of a product, at the price of the moment of the order."""

    product: str
    quantity: int
    price: int


def place(event: RecordEvent, most: int) -> list[Line]:
    """Completes a new order: prices, total, status; returns its lines.

    Args:
        most: how many lines it may have.

    Raises:
        ValidationError: by line what is wrong with it.
    """
    order, records = event.record, records_of(event)
    submitted = _objects(_value(order))
    if len(submitted) > most:
        raise ValidationError({"lines": FieldError("orders_too_many_lines", f"At most {most} lines.", {"max": most})})
    lines: list[Line] = []
    errors: dict[str, FieldError | ErrorTree | None] = {}
    seen: set[str] = set()
    for index, item in enumerate(submitted):
        line = _line(item, seen, records)
        if isinstance(line, Line):
            lines.append(line)
        else:
            errors[str(index)] = line
    if errors:
        raise ValidationError({"lines": collect(errors)})
    order["lines"] = [asdict(line) for line in lines]
    order["total"] = sum(line.quantity * line.price for line in lines)
    order["status"] = "placed"
    return lines


def change(event: RecordEvent) -> bool:
    """Checks a changed order; returns whether it is being cancelled.

    Raises:
        ValidationError: it cannot become that.
    """
    order = event.record
    errors: dict[str, FieldError | ErrorTree | None] = {name: _CHANGED for name in _FIXED if order.changed(name)}
    before, after = str(order.original["status"]), order.text("status")
    if after != before and after not in TRANSITIONS.get(before, ()):
        errors["status"] = FieldError("orders_invalid_status", f"An order that is {before} cannot become {after!r}.")
    if errors:
        raise ValidationError(collect(errors))
    return after != before and after == "cancelled"


def lines_of(order: Record) -> list[Line]:
    """The lines of a stored order."""
    return [
        Line(str(item["product"]), int(str(item["quantity"])), int(str(item["price"])))
        for item in _objects(_value(order))
    ]


def _value(order: Record) -> object:
    field = order.collection.field("lines")
    return None if field is None else field.to_python(order["lines"])


def _objects(value: object) -> list[Mapping[str, object]]:
    """The objects in a JSON list.

    Raises:
        ValidationError: it is nothing, or no list of objects.
    """
    if not value:
        raise ValidationError({"lines": REQUIRED})
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise ValidationError({"lines": _NOT_LINES})
    return value


def _line(item: Mapping[str, object], seen: set[str], records: SyncRecords) -> Line | ErrorTree:
    name, quantity = item.get("product"), item.get("quantity")
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 1 <= quantity <= MAX_QUANTITY:
        return {"quantity": _QUANTITY}
    product = records.find(PRODUCTS, name) if isinstance(name, str) else None
    if product is None:
        return {"product": _UNKNOWN}
    if product.id in seen:
        return {"product": _REPEATED}
    seen.add(product.id)
    # The answer is still true when the ledger asks: nobody else writes between now and the commit.
    if product.number("stock") < quantity:
        return {"quantity": out_of_stock(product)}
    return Line(product.id, quantity, int(product.number("price")))
