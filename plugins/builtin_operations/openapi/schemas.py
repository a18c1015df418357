"""The schemas that do not depend on any collection."""

from __future__ import annotations

from typing import Final

from pbhost.errors import JSON

_TEXT: Final[JSON] = {"type": "string"}
_NUMBER: Final[JSON] = {"type": "integer"}
_ANY_OBJECT: Final[JSON] = {"type": "object"}


def reference(name: str) -> dict[str, JSON]:
    """A schema of the document by name."""
    return {"$ref": f"#/components/schemas/{name}"}


def page_of(item: JSON) -> dict[str, JSON]:
    """The envelope of lists; totals are -1 when they were not counted."""
    properties: dict[str, JSON] = {
        "items": {"type": "array", "items": item},
        "page": _NUMBER,
        "perPage": _NUMBER,
        "totalItems": _NUMBER,
        "totalPages": _NUMBER,
    }
    return {"type": "object", "properties": properties}


SHARED: Final[dict[str, JSON]] = {
    "Error": {
        "type": "object",
        "properties": {"data": {"type": "object"}, "message": _TEXT, "status": _NUMBER},
        "required": ["data", "message", "status"],
    },
    "Collection": {
        "type": "object",
        "properties": {
            "id": _TEXT,
            "name": _TEXT,
            "type": _TEXT,
            "system": {"type": "boolean"},
            "fields": {"type": "array", "items": _ANY_OBJECT},
            "indexes": {"type": "array", "items": _TEXT},
            **{f"{kind}Rule": {"type": ["string", "null"]} for kind in ("list", "view", "create", "update", "delete")},
        },
    },
    "Settings": _ANY_OBJECT,
    "LogEntry": {
        "type": "object",
        "properties": {"id": _TEXT, "created": _TEXT, "level": _NUMBER, "message": _TEXT, "data": _ANY_OBJECT},
    },
    "Backup": {"type": "object", "properties": {"key": _TEXT, "size": _NUMBER, "modified": _TEXT}},
    "CronJob": {"type": "object", "properties": {"id": _TEXT, "expression": _TEXT}},
}

#: Query parameters by the name of a set.
LIST_QUERY: Final[dict[str, JSON]] = {
    "page": {"type": "integer", "minimum": 1},
    "perPage": {"type": "integer", "minimum": 1, "maximum": 1000},
    "sort": _TEXT,
    "filter": _TEXT,
    "skipTotal": {"type": "boolean"},
    "fields": _TEXT,
}
RECORD_QUERY: Final[dict[str, JSON]] = {"expand": _TEXT, "fields": _TEXT}
