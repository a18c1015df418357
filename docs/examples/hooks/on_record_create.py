"""Gives each post a slug, in the transaction, before it is validated."""

import re

from pbhost import hookimpl


@hookimpl(collections=["posts"])
def on_record_create(event):
    if "slug" in event.record:
        event.record["slug"] = re.sub(r"[^a-z0-9]+", "-", event.record.text("title").lower()).strip("-")
