"""Tells the team about a new collection."""

import logging

from pbhost import hookimpl

log = logging.getLogger("schema")


@hookimpl
def on_collection_after_create_success(event):
    log.info("there is a collection %s now", event.collection.name)
