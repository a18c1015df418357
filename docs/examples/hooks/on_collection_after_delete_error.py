"""Notes why a collection could not be deleted."""

import logging

from pbhost import hookimpl

log = logging.getLogger("schema")


@hookimpl
def on_collection_after_delete_error(event):
    log.info("%s was not deleted: %s", event.collection.name, event.error)
