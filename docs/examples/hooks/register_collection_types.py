"""A kind of collection whose records all have a state and the time of their creation."""

from pbhost import hookimpl
from pbhost.model import CollectionType


class Journal(CollectionType):
    name = "journal"

    def __init__(self, app):
        self._app = app

    def system_fields(self, collection):
        kinds = self._app.collections.field_types
        return [kinds["autodate"].decode({"name": "created", "type": "autodate", "onCreate": True, "system": True})]


@hookimpl
def register_collection_types(app):
    return [Journal(app)]
