"""What is configured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pbhost import App
from pbhost.errors import JSON

NAME = "search_index"
CONFIG_SCHEMA: dict[str, JSON] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "provider": {"type": "string", "minLength": 1, "default": "fts5"},
        "collections": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "default": {},
        },
    },
}


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one application; ``collections``: the searchable fields by collection."""

    provider: str
    collections: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, app: App) -> Options:
        """Those of an application."""
        options = app.options(NAME)
        collections = options["collections"]
        return cls(
            str(options["provider"]),
            {
                name: tuple(str(field) for field in fields)
                for name, fields in (collections.items() if isinstance(collections, dict) else ())
                if isinstance(fields, list)
            },
        )
