"""Notes which files are gone for good."""

import logging

from pbhost import hookimpl

log = logging.getLogger("deleted-files")


@hookimpl(wrapper=True)
async def on_storage_delete(event):
    yield
    log.info("deleted %s", event.key)
