"""Notes collections that could not be made."""

import logging

from pbhost import hookimpl

log = logging.getLogger("schema")


@hookimpl
def on_collection_after_create_error(event):
    log.info("no collection %s: %s", event.collection.name, event.error)
