"""Full-text search: an index outside of the database, fed by the change feed, answered under the list rules."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from aiohttp import web

from pbhost import App, Route, hookimpl
from pbhost.errors import ConfigError
from pbhost.hooks.events import BackupEvent, BootstrapEvent, ServeEvent, TerminateEvent
from pbhost_search_index import provider
from pbhost_search_index.documents import Documents
from pbhost_search_index.fts5 import FILE, Fts5Index
from pbhost_search_index.memory import MemoryIndex
from pbhost_search_index.options import CONFIG_SCHEMA, NAME, Options
from pbhost_search_index.provider import SearchIndex, SearchProvider

if TYPE_CHECKING:
    import click

    from pbhost_search_index.api import Search
    from pbhost_search_index.follower import Follower


class SearchIndexPlugin:
    """The hooks that this plugin implements; the one that it defines is in ``HOOK_SPECS``."""

    NAME = NAME
    requires_pbhost = ">=0.1,<1"
    requires_services = ("collections", "records")
    CONFIG_SCHEMA = CONFIG_SCHEMA
    HOOK_SPECS = provider

    def __init__(self) -> None:
        self._index: SearchIndex | None = None
        self._follower: Follower | None = None
        self._search: Search | None = None
        self._task: asyncio.Task[object] | None = None

    @property
    def follower(self) -> Follower:
        """What feeds the index of the running application."""
        assert self._follower is not None, "the application is not running"
        return self._follower

    @hookimpl
    def register_search_providers(self, app: App) -> list[SearchProvider]:
        """A file, and memory; other plugins add theirs."""
        return [
            SearchProvider("fts5", lambda app: Fts5Index(app.config.dir / FILE)),
            SearchProvider("memory", lambda _app: MemoryIndex()),
        ]

    # -- life --------------------------------------------------------------------------------------------------------

    @hookimpl(wrapper=True)
    async def on_bootstrap(self, event: BootstrapEvent) -> AsyncGenerator[None, None]:
        """Once the services run."""
        from pbhost_search_index.api import Search
        from pbhost_search_index.follower import Follower

        yield
        app = event.app
        options = Options.of(app)
        known = {item.name: item for item in app.collect_of("register_search_providers", SearchProvider)}
        if options.provider not in known:
            names = ", ".join(sorted(known))
            raise ConfigError(f"plugins.search_index.provider: there is no {options.provider!r}; there are: {names}")
        self._index = known[options.provider].make(app)
        documents = Documents(app, options)
        await self._index.open()
        self._follower = Follower(app, self._index, documents)
        self._search = Search(app, self._index, documents)

    @hookimpl
    async def on_serve(self, event: ServeEvent) -> None:
        """A server keeps the index up to date; of several processes with one index, the first does."""
        if self._index is not None and (event.worker == 0 or not self._index.is_shared):
            self._task = event.app.background(self.follower.follow(), name="search index")

    @hookimpl(wrapper=True)
    async def on_terminate(self, event: TerminateEvent) -> AsyncGenerator[None, None]:
        """Before the database is closed."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._index is not None:
            await self._index.close()
        yield

    @hookimpl
    def on_backup_create(self, event: BackupEvent) -> None:
        """The index is a copy of what is in the backup, and is built anew after a restore."""
        event.exclude += [FILE, f"{FILE}-wal", f"{FILE}-shm"]

    # -- what users get ----------------------------------------------------------------------------------------------

    @hookimpl
    def register_routes(self, app: App) -> list[Route]:
        """``GET /api/search``."""

        async def search(request: web.Request) -> dict[str, object]:
            assert self._search is not None, "routes are served by a running application"
            return await self._search(request)

        return [Route("GET", "/api/search", search, summary="Full-text search")]

    @hookimpl
    def register_commands(self, app: App) -> list[click.Command]:
        """``pbhost search rebuild``."""
        from pbhost_search_index.command import search_command

        return [search_command(app, self)]


#: The class: each application gets an instance of its own.
plugin = SearchIndexPlugin
