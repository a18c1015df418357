"""Freezes posts that were published; ``original`` is what is stored."""

from pbhost import ForbiddenError, hookimpl


@hookimpl(collections=["posts"])
def on_record_update_request(event):
    if event.record.original.get("published") and not event.context.is_superuser:
        raise ForbiddenError("Published posts stay as they are.")
