"""From records to documents."""

from __future__ import annotations

import html
import json
import re

from pbhost import App, Collection, Field, Record
from pbhost_search_index.options import Options
from pbhost_search_index.provider import Document

_TAG = re.compile(r"<[^>]*>")
_MAX_CHARACTERS = 200_000


class Documents:
    """What is searchable of one application, as its schema is now."""

    def __init__(self, app: App, options: Options) -> None:
        self._app = app
        self._options = options

    def collections(self) -> dict[str, tuple[Collection, list[Field]]]:
        """The searchable collections that exist, by id, with their searchable fields."""
        found = {}
        for name, fields in self._options.collections.items():
            collection = self._app.collections.find(name)
            if collection is not None and not collection.is_view:
                found[collection.id] = (collection, [field for field in collection.fields if field.name in fields])
        return {
            id_: (collection, [field for field in fields if _is_open(collection, field)])
            for id_, (collection, fields) in found.items()
        }

    def layout(self) -> str:
        """Differs when an index would have to be built anew."""
        shape = {id_: [field.name for field in fields] for id_, (_, fields) in self.collections().items()}
        return json.dumps(shape, sort_keys=True)

    def document(self, record: Record, fields: list[Field]) -> Document:
        """The searchable text of a record."""
        text = "\n".join(_text(record, field) for field in fields)
        return Document((record.collection.id, record.id), text[:_MAX_CHARACTERS])


def _is_open(collection: Collection, field: Field) -> bool:
    """Whether everyone who sees the record sees the field: a hit would tell of the others what stands in them."""
    if field.hidden or field.type == "password" or field.name in collection.read_rules:
        return False
    return not (collection.is_auth and field.name == "email")


def _text(record: Record, field: Field) -> str:
    value = record[field.name]
    if isinstance(value, list):
        return " ".join(str(item) for item in value)
    if isinstance(value, str):
        return html.unescape(_TAG.sub(" ", value)) if field.type == "editor" else value
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else ""
