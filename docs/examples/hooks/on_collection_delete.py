"""Keeps collections that a plugin needs."""

from pbhost import BadRequestError, hookimpl

NEEDED = {"invoices"}


@hookimpl
def on_collection_delete(event):
    if event.collection.name in NEEDED:
        raise BadRequestError("The invoices plugin needs this collection.")
