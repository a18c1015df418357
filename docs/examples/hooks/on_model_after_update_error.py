"""Keeps the last failure for a look."""

from pbhost import hookimpl

last = {}


@hookimpl
def on_model_after_update_error(event):
    last[event.collection.name] = str(event.error)
