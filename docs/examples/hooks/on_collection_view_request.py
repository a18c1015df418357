"""Notes who looks at a schema."""

import logging

from pbhost import hookimpl

log = logging.getLogger("schema")


@hookimpl
def on_collection_view_request(event):
    log.info("%s looks at %s", event.context.ip, event.collection.name)
