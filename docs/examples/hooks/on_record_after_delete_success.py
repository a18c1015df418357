"""Tells a search index that a post is gone."""

from pbhost import hookimpl

index = {}


@hookimpl(collections=["posts"])
def on_record_after_delete_success(event):
    index.pop(event.record.id, None)
