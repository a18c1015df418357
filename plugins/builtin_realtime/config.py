"""The options of the realtime plugin (``[plugins.realtime]``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pbhost.errors import JSON

CONFIG_SCHEMA: dict[str, JSON] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "idle_timeout": {
            "type": "number",
            "exclusiveMinimum": 0,
            "default": 300,
            "description": "seconds without a message after which a stream is closed",
        },
        "max_lifetime": {
            "type": "number",
            "exclusiveMinimum": 0,
            "default": 1800,
            "description": "seconds after which a stream is closed in any case",
        },
        "max_pending_bytes": {
            "type": "integer",
            "minimum": 65536,
            "default": 4194304,
            "description": "unsent bytes beyond which a client counts as too slow and is disconnected",
        },
        "max_clients": {
            "type": "integer",
            "minimum": 1,
            "default": 100000,
            "description": "connections that one process accepts",
        },
    },
}


@dataclass(frozen=True, slots=True)
class RealtimeConfig:
    """Timeouts in seconds, sizes in bytes."""

    idle_timeout: float
    max_lifetime: float
    max_pending_bytes: int
    max_clients: int

    @classmethod
    def from_options(cls, options: Mapping[str, JSON]) -> RealtimeConfig:
        """From the validated options of the plugin."""

        def number(key: str) -> float:
            value = options[key]
            assert isinstance(value, (int, float))
            return value

        return cls(
            idle_timeout=number("idle_timeout"),
            max_lifetime=number("max_lifetime"),
            max_pending_bytes=int(number("max_pending_bytes")),
            max_clients=int(number("max_clients")),
        )
