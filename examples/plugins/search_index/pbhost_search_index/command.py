"""``pbhost search rebuild``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pbhost import App

if TYPE_CHECKING:
    from pbhost_search_index import SearchIndexPlugin


def search_command(app: App, plugin: SearchIndexPlugin) -> click.Command:
    """The command group for an application that is not started yet."""

    @click.group(name="search", help="The search index.")
    def group() -> None: ...

    @group.command(name="rebuild", help="Build the search index anew; a running server goes on answering meanwhile.")
    def rebuild() -> None:
        async def run(_app: App) -> int:
            return await plugin.follower.rebuild()

        click.echo(f"The index has {app.run(run)} documents.")

    return group
