"""Lets collections be deleted only while they are empty."""

from pbhost import BadRequestError, hookimpl


@hookimpl
async def on_collection_delete_request(event):
    if not event.collection.is_view and await event.app.records.count(event.collection) > 100:
        raise BadRequestError("There are records in it.")
