"""Says in the log who is about to be replaced by which backup, and whether it worked."""

import logging

from pbhost import hookimpl

log = logging.getLogger("restores")


@hookimpl(wrapper=True)
async def on_backup_restore(event):
    log.warning("restoring %s", event.name)
    try:
        yield
    except Exception as error:
        log.error("restoring %s failed: %s", event.name, error)
        raise
