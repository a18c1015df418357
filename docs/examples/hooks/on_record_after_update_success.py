"""Empties a cache once the change is committed."""

from pbhost import hookimpl

pages = {}


@hookimpl(collections=["posts"])
def on_record_after_update_success(event):
    pages.pop(event.record.id, None)
