"""The three collections. They are made at the first start; from then on their rules and further fields are yours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pbhost import App, Collection, ValidationError
from pbhost.errors import JSON, PluginError

if TYPE_CHECKING:
    from pbhost.database import AsyncTransaction

PRODUCTS, ORDERS, LEDGER = "products", "orders", "stock_ledger"

#: Bounds that keep every total exact: MAX_PRICE * MAX_QUANTITY * 100 lines stays below 2**53.
MAX_PRICE: Final = 100_000_000
MAX_QUANTITY: Final = 10_000
MAX_STOCK: Final = 1_000_000_000

STATUSES: Final = ("placed", "paid", "shipped", "cancelled")
REASONS: Final = ("delivery", "correction", "order", "return")

_NEEDED: Final = {
    PRODUCTS: ("name", "price", "stock"),
    ORDERS: ("customer", "lines", "total", "status"),
    LEDGER: ("product", "change", "balance", "reason", "order"),
}
_OWN: Final = "customer = @request.auth.id"


async def ensure_collections(app: App, customers: str) -> None:
    """Makes the collections that are missing, all or none.

    Raises:
        PluginError: there are no such customers, or a collection of one of the names is something else.
    """
    for name, fields in _NEEDED.items():
        found = app.collections.find(name)
        missing = [field for field in fields if found is not None and found.field(field) is None]
        if missing:
            raise PluginError(f"plugin 'orders': the collection {name!r} is there already, without a {missing[0]!r}")
    if all(app.collections.find(name) for name in _NEEDED):
        return
    owner = app.collections.find(customers)
    if owner is None or not owner.is_auth:
        raise PluginError(f"plugin 'orders': {customers!r} is no auth collection; set customers in [plugins.orders]")
    async with app.transaction() as tx:
        products = await _ensure(app, tx, PRODUCTS, _product_fields(), list_rule="", view_rule="")
        orders = await _ensure(
            app,
            tx,
            ORDERS,
            _order_fields(owner),
            list_rule=_OWN,
            view_rule=_OWN,
            create_rule=f"@request.auth.id != '' && {_OWN}",
            # A customer may cancel what is not paid yet; everything else is for superusers and code.
            update_rule=f"{_OWN} && status = 'placed' && @request.body.status = 'cancelled'",
            indexes=[f"CREATE INDEX `idx_orders_customer` ON `{ORDERS}` (`customer`, `created`)"],
        )
        await _ensure(
            app,
            tx,
            LEDGER,
            _ledger_fields(products, orders),
            indexes=[
                f"CREATE INDEX `idx_ledger_product` ON `{LEDGER}` (`product`)",
                # Whatever goes wrong above, an order takes and returns each product once.
                f"CREATE UNIQUE INDEX `idx_ledger_once` ON `{LEDGER}` (`order`, `product`, `reason`) "
                "WHERE `order` != ''",
            ],
        )


async def _ensure(
    app: App, tx: AsyncTransaction, name: str, fields: list[dict[str, JSON]], **values: object
) -> Collection:
    # Asked again inside the transaction: several workers start at once, and one of them makes the collections.
    found = app.collections.find(name)
    if found is not None:
        return found
    try:
        return await app.collections.save(app.collections.new("base", name=name, fields=fields, **values), tx=tx)
    except ValidationError as error:
        raise PluginError(f"plugin 'orders': the collection {name!r} cannot be made: {error.to_json()}") from error


def _product_fields() -> list[dict[str, JSON]]:
    return [
        {"name": "name", "type": "text", "required": True, "max": 200},
        {"name": "price", "type": "number", "onlyInt": True, "min": 0, "max": MAX_PRICE, "help": "in cents"},
        {"name": "stock", "type": "number", "onlyInt": True, "min": 0, "max": MAX_STOCK},
    ]


def _order_fields(customers: Collection) -> list[dict[str, JSON]]:
    return [
        {"name": "customer", "type": "relation", "collectionId": customers.id, "maxSelect": 1, "required": True},
        {"name": "lines", "type": "json", "required": True, "maxSize": 20_000},
        {"name": "total", "type": "number", "onlyInt": True, "min": 0, "help": "in cents"},
        {"name": "status", "type": "select", "values": list(STATUSES), "maxSelect": 1, "required": True},
        {"name": "note", "type": "text", "max": 1000},
        {"name": "created", "type": "autodate", "onCreate": True},
        {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
    ]


def _ledger_fields(products: Collection, orders: Collection) -> list[dict[str, JSON]]:
    return [
        {"name": "product", "type": "relation", "collectionId": products.id, "maxSelect": 1, "required": True},
        {"name": "change", "type": "number", "onlyInt": True, "required": True, "min": -MAX_STOCK, "max": MAX_STOCK},
        {"name": "balance", "type": "number", "onlyInt": True},
        {"name": "reason", "type": "select", "values": list(REASONS), "maxSelect": 1, "required": True},
        {"name": "order", "type": "relation", "collectionId": orders.id, "maxSelect": 1},
        {"name": "created", "type": "autodate", "onCreate": True},
    ]
