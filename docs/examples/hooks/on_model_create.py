"""Tells records and collections apart: ``record`` is None when a collection is written."""

import logging

from pbhost import hookimpl

log = logging.getLogger("audit")


@hookimpl
def on_model_create(event):
    log.info("creating a %s in %s", "collection" if event.record is None else "record", event.collection.name)
