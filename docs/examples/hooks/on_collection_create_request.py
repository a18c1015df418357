"""Asks for names in lower case."""

from pbhost import BadRequestError, hookimpl


@hookimpl
def on_collection_create_request(event):
    if event.collection.name != event.collection.name.lower():
        raise BadRequestError("Names of collections are in lower case.")
