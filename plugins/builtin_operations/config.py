"""Options of the plugin, in ``[plugins.operations]`` of the configuration."""

from __future__ import annotations

from pbhost.errors import JSON

CONFIG_SCHEMA: dict[str, JSON] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "openapi": {
            "enum": ["superusers", "public", "off"],
            "default": "superusers",
            "description": "who sees /api/openapi.json; others than superusers never see locked actions, hidden fields "
            "and system collections in it",
        },
    },
}
