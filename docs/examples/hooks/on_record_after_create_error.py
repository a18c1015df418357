"""Notes posts that could not be saved."""

import logging

from pbhost import hookimpl

log = logging.getLogger("posts")


@hookimpl(collections=["posts"])
def on_record_after_create_error(event):
    log.info("a post was not created: %s", event.error)
