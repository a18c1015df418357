"""``--dev``: takes in changed files of ``pb_plugins/`` while the server runs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pbhost.errors import PbhostError
from pbhost.hooks.events import PluginsReloadEvent

if TYPE_CHECKING:
    from pbhost.http.server import Server

log = logging.getLogger("pbhost.reload")


async def watch_plugins(server: Server) -> None:
    """Reloads on every change of a Python file; a file that does not load keeps its running version."""
    from watchfiles import PythonFilter, awatch

    directory = server.app.config.plugins.dir
    directory.mkdir(exist_ok=True)
    async for _changes in awatch(directory, watch_filter=PythonFilter(), debounce=200, step=50):
        await reload_plugins(server)


async def reload_plugins(server: Server) -> list[str]:
    """Loads ``pb_plugins/`` again and puts hooks, routes and middlewares in place; returns the names that were taken
    in.

    Services and field types that a file provides are resolved at start, so a change of those needs a restart.
    """
    app = server.app
    changed: list[str] = []
    try:
        changed = app.plugins.reload_files()
    except PbhostError as error:
        log.error("%s", error)
    app.hooks.refresh()
    server.reload_routes()
    if changed:
        log.warning("reloaded: %s", ", ".join(changed))
        chain = app.hooks.chain("on_plugins_reload")
        if chain is not None:
            await chain.notify(PluginsReloadEvent(app=app, names=changed))
    return changed
