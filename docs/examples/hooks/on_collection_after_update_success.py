"""Forgets what was computed for the old schema."""

from pbhost import hookimpl

plans = {}


@hookimpl
def on_collection_after_update_success(event):
    plans.pop(event.collection.id, None)
