"""Names of backup archives."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from pbhost.model import clock

AUTO_PREFIX = "@auto_pb_backup_"
MANUAL_PREFIX = "pb_backup_"
SUBMITTED = re.compile(r"[a-z0-9_-]+\.zip", re.ASCII)
MAX_LENGTH = 150

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NON_WORD = re.compile(r"[^a-z0-9]+")


def snake_case(text: str) -> str:
    """``My appName!`` → ``my_app_name``."""
    return _NON_WORD.sub("_", _WORD_START.sub("_", text).lower()).strip("_")


def generate(prefix: str, app_name: str, moment: datetime | None = None) -> str:
    """``{prefix}{snake-cased app name, at most 50}_{YYYYMMDDhhmmss UTC}.zip``."""
    stamp = (moment or clock.utc_now()).astimezone(UTC).strftime("%Y%m%d%H%M%S")
    name = snake_case(app_name)[:50] or "acme"
    return f"{prefix}{name}_{stamp}.zip"
