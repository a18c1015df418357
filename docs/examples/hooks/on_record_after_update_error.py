"""Tells apart what the client did wrong from what went wrong."""

import logging

from pbhost import ApiError, hookimpl

log = logging.getLogger("posts")


@hookimpl
def on_record_after_update_error(event):
    if not isinstance(event.error, ApiError):
        log.error("%s %s could not be saved", event.collection.name, event.record.id, exc_info=event.error)
