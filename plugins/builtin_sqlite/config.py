"""Options of the SQLite engine: the table ``[plugins.sqlite]`` and what the kernel's own options say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from pbhost.errors import JSON

if TYPE_CHECKING:
    from pbhost.config import Config

Synchronous: TypeAlias = Literal["OFF", "NORMAL", "FULL", "EXTRA"]

CONFIG_SCHEMA: dict[str, JSON] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "synchronous": {
            "type": "string",
            "enum": ["OFF", "NORMAL", "FULL", "EXTRA"],
            "default": "FULL",
            "description": "what a commit waits for: FULL survives a power cut, NORMAL may lose the last commits then",
        },
        "cache_kib": {
            "type": "integer",
            "minimum": 256,
            "default": 16000,
            "description": "page cache of a connection, in KiB; 1.5 times that for single rows, a quarter for lists",
        },
        "map_kib": {
            "type": "integer",
            "minimum": 0,
            "default": 65536,
            "description": "part of the file that connections for lists map into memory, in KiB",
        },
        "list_lanes": {
            "type": "integer",
            "minimum": 1,
            "maximum": 16,
            "default": 3,
            "description": "connections for lists at most; more than one open only while a slow query holds up others",
        },
        "write_timeout": {
            "type": "number",
            "exclusiveMinimum": 0,
            "default": 180,
            "description": "seconds that a write may take at most",
        },
        "busy_timeout": {
            "type": "number",
            "minimum": 0,
            "default": 10,
            "description": "seconds of each wait for a lock of a program that is not pbhost",
        },
        "feed_max_rows": {
            "type": "integer",
            "minimum": 100,
            "default": 100_000,
            "description": "rows that the change feed keeps",
        },
        "feed_max_age": {
            "type": "number",
            "exclusiveMinimum": 0,
            "default": 86_400,
            "description": "seconds that the change feed keeps a row",
        },
        "poll_interval": {
            "type": "number",
            "minimum": 0.01,
            "default": 0.25,
            "description": "seconds between looks for commits of processes that could not announce them",
        },
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteOptions:
    """How the engine treats its files; see :data:`CONFIG_SCHEMA`.

    Attributes:
        query_timeout: seconds a read may take.
        hook_timeout: seconds a transaction may wait for the event loop.
        turn_timeout: seconds to wait for the other processes' writes.
    """

    synchronous: Synchronous = "FULL"
    cache_kib: int = 16000
    map_kib: int = 65536
    list_lanes: int = 3
    query_timeout: float = 30.0
    write_timeout: float = 180.0
    hook_timeout: float = 10.0
    busy_timeout: float = 10.0
    turn_timeout: float = 60.0
    feed_max_rows: int = 100_000
    feed_max_age: float = 86_400.0
    poll_interval: float = 0.25

    @classmethod
    def from_config(cls, config: Config, options: Mapping[str, JSON]) -> SqliteOptions:
        """From the kernel's configuration and the plugin's table, which was checked against the schema."""
        return cls(
            query_timeout=config.query_timeout,
            hook_timeout=config.hook_timeout,
            **cast("dict[str, float]", options),  # type: ignore[arg-type]  # the schema names the same types
        )
