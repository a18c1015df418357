"""Refuses every write while maintenance is on."""

import os

from pbhost import ApiError, hookimpl


@hookimpl
def on_request(event):
    if os.environ.get("MAINTENANCE") and event.context.method not in ("GET", "HEAD"):
        raise ApiError("Back in a moment.", status=503)
