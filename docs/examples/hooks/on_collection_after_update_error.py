"""Notes schema changes that were refused."""

import logging

from pbhost import hookimpl

log = logging.getLogger("schema")


@hookimpl
def on_collection_after_update_error(event):
    log.info("%s stays as it was: %s", event.collection.name, event.error)
