"""Hands in what was only counted in memory, before the services stop."""

import logging

from pbhost import hookimpl

log = logging.getLogger("visits")
visits = 0


@hookimpl
async def on_terminate(event):
    log.info("visits since the start: %d (restart: %s)", visits, event.is_restart)
