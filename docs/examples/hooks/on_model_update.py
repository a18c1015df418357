"""Sees every update before it is validated."""

import logging

from pbhost import hookimpl

log = logging.getLogger("audit")


@hookimpl
def on_model_update(event):
    if event.record is not None:
        changed = [name for name in event.record if event.record.changed(name)]
        log.info("%s %s changes %s", event.collection.name, event.record.id, ", ".join(changed))
