"""What is configured."""

from __future__ import annotations

from dataclasses import dataclass

from pbhost import App
from pbhost.errors import JSON

NAME = "tenancy"
_COLLECTIONS: dict[str, JSON] = {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True}
CONFIG_SCHEMA: dict[str, JSON] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "collections": {**_COLLECTIONS, "default": []},
        "members": {**_COLLECTIONS, "default": ["users"]},
        "tenants": {"type": "string", "minLength": 1, "default": "tenants"},
        "field": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "default": "tenant"},
    },
}


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one application.

    Attributes:
        collections: whose records belong to a tenant, those of ``members`` included.
        members: the auth collections whose records act for a tenant.
        tenants: the collection of the tenants.
        field: the relation field that names a record's tenant.
    """

    collections: frozenset[str]
    members: frozenset[str]
    tenants: str
    field: str

    @classmethod
    def of(cls, app: App) -> Options:
        """Those of an application."""
        options = app.options(NAME)
        members = _names(options["members"])
        return cls(_names(options["collections"]) | members, members, str(options["tenants"]), str(options["field"]))


def _names(value: JSON) -> frozenset[str]:
    return frozenset(str(item) for item in value) if isinstance(value, list) else frozenset()
