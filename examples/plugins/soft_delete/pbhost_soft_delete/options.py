"""What is configured."""

from __future__ import annotations

from dataclasses import dataclass

from pbhost import App
from pbhost.errors import JSON
from pbhost.model import Rule

NAME = "soft_delete"
CONFIG_SCHEMA: dict[str, JSON] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "collections": {
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "uniqueItems": True,
            "default": [],
        },
        "field": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "default": "deleted"},
        "purge_after_days": {"type": "integer", "minimum": 0, "maximum": 36500, "default": 30},
        "keep_versions": {"type": "integer", "minimum": 1, "maximum": 10000, "default": 100},
        "restore_rule": {"type": "string", "default": ""},
    },
}


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one application.

    Attributes:
        collections: whose records are marked instead of deleted.
        field: the date field with the mark, "" for a living record.
        purge_after_days: when marked records go for good; 0 for never.
        keep_versions: how many versions of a record are kept.
        restore_rule: who may restore a record; None for superusers only.
    """

    collections: frozenset[str]
    field: str
    purge_after_days: int
    keep_versions: int
    restore_rule: Rule

    @classmethod
    def of(cls, app: App) -> Options:
        """Those of an application."""
        options = app.options(NAME)
        names = options["collections"]
        return cls(
            frozenset(str(name) for name in names) if isinstance(names, list) else frozenset(),
            str(options["field"]),
            int(str(options["purge_after_days"])),
            int(str(options["keep_versions"])),
            str(options["restore_rule"]) or None,
        )
