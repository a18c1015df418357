"""Options of the plugin, in ``[plugins.auth]`` of the configuration."""

from __future__ import annotations

from collections.abc import Mapping

from builtin_auth.hashing import HashingOptions
from pbhost.errors import JSON

CONFIG_SCHEMA: dict[str, JSON] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "hash": {
            "enum": ["argon2id", "bcrypt"],
            "default": "argon2id",
            "description": "how new passwords are hashed; bcrypt keeps a directory readable by PocketBase",
        },
        "hash_memory_kib": {
            "type": "integer",
            "minimum": 8192,
            "maximum": 1048576,
            "default": 19456,
            "description": "memory of one argon2id hash",
        },
        "hash_passes": {
            "type": "integer",
            "minimum": 1,
            "maximum": 32,
            "default": 2,
            "description": "passes of one argon2id hash",
        },
        "hash_threads": {
            "type": "integer",
            "minimum": 0,
            "maximum": 64,
            "default": 0,
            "description": "threads that hash; 0 means one less than there are cores",
        },
        "totp": {
            "type": "boolean",
            "default": False,
            "description": "authenticator apps as a second factor where a collection asks for two",
        },
        "hash_queue": {
            "type": "integer",
            "minimum": 1,
            "maximum": 100000,
            "default": 128,
            "description": "hashes that may wait; beyond that sign-ins are answered 429",
        },
    },
}


def hashing_options(options: Mapping[str, JSON]) -> HashingOptions:
    """From the plugin's validated options."""

    def integer(key: str, default: int) -> int:
        value = options.get(key)
        return value if isinstance(value, int) else default

    return HashingOptions(
        algorithm=str(options.get("hash") or "argon2id"),
        memory_kib=integer("hash_memory_kib", 19456),
        passes=integer("hash_passes", 2),
        threads=integer("hash_threads", 0),
        queue=integer("hash_queue", 128),
    )
