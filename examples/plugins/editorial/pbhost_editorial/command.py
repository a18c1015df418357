"""``pbhost editorial publish-due``."""

from __future__ import annotations

import asyncio

import click

from pbhost import App
from pbhost_editorial.desk import Desk


def editorial_command(app: App) -> click.Command:
    """The command group for an application that is not started yet."""

    @click.group(name="editorial", help="The editorial desk.")
    def group() -> None: ...

    @group.command(name="publish-due", help="Publish the reviewed articles whose time has come.")
    def publish_due() -> None:
        async def run() -> None:
            await app.bootstrap()
            try:
                await Desk(app).publish_due()
            finally:
                await app.shutdown()

        asyncio.run(run())
        click.echo("Published what was due.")

    return group
