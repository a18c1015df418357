"""Marks each stored file with the application that stored it."""

from pbhost import hookimpl


@hookimpl
def on_storage_write(event):
    event.metadata = {**event.metadata, "stored-by": "blog"}
