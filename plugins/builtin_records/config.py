"""The options of the records plugin (``[plugins.records]``)."""

from __future__ import annotations

from pbhost.errors import JSON

CONFIG_SCHEMA: dict[str, JSON] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "guess_delay": {
            "type": "number",
            "minimum": 0,
            "maximum": 10,
            "default": 0.5,
            "description": "seconds at most by which lists that find nothing again and again are delayed",
        },
    },
}
