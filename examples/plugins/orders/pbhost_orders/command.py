"""``pbhost orders audit``."""

from __future__ import annotations

import sys

import click

from pbhost import App
from pbhost_orders.audit import differences


def orders_command(app: App) -> click.Command:
    """The command group for an application that is not started yet."""

    @click.group(name="orders", help="Orders and stock.")
    def group() -> None: ...

    @group.command(name="audit", help="Compare the stock of every product with the sum of its ledger.")
    def audit() -> None:
        found = app.run(differences)
        for item in found:
            click.echo(f"{item.product}: stock is {item.stock}, the ledger says {item.booked}")
        if found:
            sys.exit(1)
        click.echo("Stock and ledger agree.")

    return group
