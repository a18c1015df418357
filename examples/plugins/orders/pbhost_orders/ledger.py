"""The ledger is the only way in which stock changes, so that stock is the sum of the ledger at every moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pbhost import FieldError, Record, RequestContext, ValidationError
from pbhost_orders.schema import LEDGER, PRODUCTS

if TYPE_CHECKING:
    from pbhost.database import Transaction
    from pbhost.hooks.events import RecordEvent
    from pbhost.services import SyncRecords

#: Set by this module on what it writes itself; a client has no way to put something into ``extra``.
_BOOKING: Final = "orders.booking"
_NOT_BOOKED = FieldError("orders_stock_not_booked", "Stock changes through the ledger only.")
_NOT_AN_ORDER = FieldError("orders_reserved_reason", "This reason is for orders.")


def book(event: RecordEvent, *, product: str, change: int, reason: str, order: str) -> None:
    """Writes an entry for an order, in the transaction of ``event``.

    Raises:
        ValidationError: there is not so much of the product.
    """
    records = records_of(event)
    entry = Record(
        event.app.collections.get(LEDGER),
        {"product": product, "change": change, "reason": reason, "order": order},
    )
    records.save(entry, context=_own_context(event))


def balance(event: RecordEvent) -> Record | None:
    """Notes in a new entry what will be left, and returns its product (None: the field's own check will tell).

    Raises:
        ValidationError: less than nothing would be left, or the reason is not for whoever writes the entry.
    """
    entry = event.record
    is_for_order = entry.text("reason") in ("order", "return") or entry.text("order") != ""
    if is_for_order and not _is_own(event):
        raise ValidationError({"reason": _NOT_AN_ORDER})
    product = records_of(event).find(PRODUCTS, entry.text("product"))
    if product is None:
        return None
    left = product.number("stock") + entry.number("change")
    if left < 0:
        raise ValidationError({"change": out_of_stock(product)})
    entry["balance"] = left
    return product


def move(event: RecordEvent, product: Record | None) -> None:
    """Gives the product the balance of an entry that was written."""
    assert product is not None, "an entry without a product was stored"
    product["stock"] = event.record["balance"]
    records_of(event).save(product, context=_own_context(event))


def guard_stock(event: RecordEvent) -> None:
    """Refuses stock that comes from elsewhere.

    Raises:
        ValidationError: it does.
    """
    product = event.record
    before = 0.0 if product.is_new else product.original.get("stock")
    if product.number("stock") != before and not _is_own(event):
        raise ValidationError({"stock": _NOT_BOOKED})


def out_of_stock(product: Record) -> FieldError:
    """The error of who wants more than there is."""
    left = int(product.number("stock"))
    return FieldError(
        "orders_out_of_stock", f"Only {left} of {product.text('name')!r} left.", {"left": left, "product": product.id}
    )


def records_of(event: RecordEvent) -> SyncRecords:
    """The records service in the transaction of a write."""
    return event.app.records.within(_transaction(event))


def _transaction(event: RecordEvent) -> Transaction:
    assert event.connection is not None, "hooks around a write run in its transaction"
    return event.connection


def _own_context(event: RecordEvent) -> RequestContext:
    """The request behind the write, if there is one, marked as ours."""
    context = event.context or RequestContext()
    own = context.derive()
    own.extra = {**context.extra, _BOOKING: True}
    return own


def _is_own(event: RecordEvent) -> bool:
    return event.context is not None and event.context.extra.get(_BOOKING) is True
