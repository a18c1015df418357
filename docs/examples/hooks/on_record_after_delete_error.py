"""Notes which deletions others prevent, for instance through a required relation."""

import logging

from pbhost import hookimpl

log = logging.getLogger("deletions")


@hookimpl
def on_record_after_delete_error(event):
    log.info("%s %s stays: %s", event.collection.name, event.record.id, event.error)
