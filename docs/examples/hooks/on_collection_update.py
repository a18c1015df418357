"""Compares the new schema with the old one; ``event.old`` is what is stored."""

import logging

from pbhost import hookimpl

log = logging.getLogger("schema")


@hookimpl
def on_collection_update(event):
    gone = {field.name for field in event.old.fields} - {field.name for field in event.collection.fields}
    if gone:
        log.warning("%s loses %s", event.collection.name, ", ".join(sorted(gone)))
