"""Protects a collection that another program relies on."""

from pbhost import ForbiddenError, hookimpl


@hookimpl
def on_collection_update_request(event):
    if event.collection.name == "invoices":
        raise ForbiddenError("The accounting reads invoices: change them with a migration.")
