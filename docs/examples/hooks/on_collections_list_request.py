"""Hides the collections of other teams from the list."""

from pbhost import hookimpl


@hookimpl
def on_collections_list_request(event):
    event.collections = [item for item in event.collections if not item.name.startswith("internal_")]
