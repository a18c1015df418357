"""Orders: placing one reserves stock and writes a ledger, all or nothing.

Every rule is a hook in the transaction of the write, so it holds for the API, a batch, the dashboard and other plugins.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING

from pbhost import App, ForbiddenError, hookimpl
from pbhost.errors import JSON
from pbhost_orders import ledger, rules
from pbhost_orders.schema import LEDGER, ORDERS, PRODUCTS, ensure_collections

if TYPE_CHECKING:
    import click

    from pbhost.hooks.events import BootstrapEvent, RecordEvent

CONFIG_SCHEMA: dict[str, JSON] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "customers": {"type": "string", "minLength": 1, "default": "users"},
        "max_lines": {"type": "integer", "minimum": 1, "maximum": 100, "default": 50},
    },
}


class OrdersPlugin:
    """The hooks of this plugin. Those around a write are wrappers: what follows ``yield`` runs when the row is there,
    still in its transaction."""

    NAME = "orders"
    requires_pbhost = ">=0.1,<1"
    requires_services = ("collections", "records")
    CONFIG_SCHEMA = CONFIG_SCHEMA

    @hookimpl(wrapper=True)
    async def on_bootstrap(self, event: BootstrapEvent) -> AsyncGenerator[None, None]:
        """Makes the collections that are not there yet, once the services run."""
        yield
        await ensure_collections(event.app, str(event.app.options(self.NAME)["customers"]))

    # -- orders ------------------------------------------------------------------------------------------------------

    @hookimpl(wrapper=True, collections=[ORDERS])
    def on_record_create(self, event: RecordEvent) -> Generator[None, None, None]:
        """Prices the lines, stores the order, then takes the goods out of stock."""
        most = int(str(event.app.options(self.NAME)["max_lines"]))
        lines = rules.place(event, most)
        yield
        for line in lines:
            ledger.book(event, product=line.product, change=-line.quantity, reason="order", order=event.record.id)

    @hookimpl(wrapper=True, collections=[ORDERS])
    def on_record_update(self, event: RecordEvent) -> Generator[None, None, None]:
        """An order changes its status and nothing else; a cancelled one gives the goods back."""
        is_cancelled = rules.change(event)
        yield
        if is_cancelled:
            for line in rules.lines_of(event.record):
                ledger.book(event, product=line.product, change=line.quantity, reason="return", order=event.record.id)

    @hookimpl(collections=[ORDERS])
    def on_record_delete(self, event: RecordEvent) -> None:
        """The ledger refers to orders, so they stay."""
        raise ForbiddenError("Cancel the order instead of deleting it.")

    # -- products ----------------------------------------------------------------------------------------------------

    @hookimpl(specname="on_record_create", collections=[PRODUCTS])
    def new_product(self, event: RecordEvent) -> None:
        """Stock comes from the ledger only."""
        ledger.guard_stock(event)

    @hookimpl(specname="on_record_update", collections=[PRODUCTS])
    def changed_product(self, event: RecordEvent) -> None:
        """Stock comes from the ledger only."""
        ledger.guard_stock(event)

    # -- the ledger --------------------------------------------------------------------------------------------------

    @hookimpl(specname="on_record_create", wrapper=True, collections=[LEDGER])
    def new_entry(self, event: RecordEvent) -> Generator[None, None, None]:
        """An entry moves the stock of its product, whoever writes it."""
        product = ledger.balance(event)
        yield
        ledger.move(event, product)

    @hookimpl(specname="on_record_update", collections=[LEDGER])
    def changed_entry(self, event: RecordEvent) -> None:
        """What is booked is booked."""
        raise ForbiddenError("Ledger entries cannot be changed. Book a correction.")

    @hookimpl(specname="on_record_delete", collections=[LEDGER])
    def deleted_entry(self, event: RecordEvent) -> None:
        """What is booked is booked."""
        raise ForbiddenError("Ledger entries cannot be deleted. Book a correction.")

    # -- operation ---------------------------------------------------------------------------------------------------

    @hookimpl
    def register_commands(self, app: App) -> list[click.Command]:
        """``pbhost orders audit``."""
        from pbhost_orders.command import orders_command

        return [orders_command(app)]


plugin = OrdersPlugin()
