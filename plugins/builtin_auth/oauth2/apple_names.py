"""Names that Apple sends once, with the redirect, kept until the sign-in with the same code."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

_SECONDS = 60.0
_MAX_KEY_BYTES = 1000 - len("@redirect_name_")
_MAX_NAME_BYTES = 150
_LIMIT = 10_000


class AppleNames:
    """Names by code, for one minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._names: dict[str, tuple[float, str]] = {}

    def keep(self, code: str, user: str) -> None:
        """Keep the name in Apple's ``user`` value; anything unreadable is ignored."""
        name = _name(user)
        if not name or len(code.encode("utf-8", "replace")) > _MAX_KEY_BYTES:
            return
        if len(self._names) >= _LIMIT:
            self._names.pop(next(iter(self._names)))
        self._names[code] = (self._clock() + _SECONDS, name)

    def take(self, code: str) -> str:
        """The name kept under ``code``, which is then gone; "" if there is none."""
        until, name = self._names.pop(code, (0.0, ""))
        return name if self._clock() < until else ""


def _name(user: str) -> str:
    try:
        data = json.loads(user)
    except (ValueError, RecursionError):
        return ""
    parts = data.get("name") if isinstance(data, dict) else None
    if not isinstance(parts, dict):
        return ""
    first, last = (parts.get(key) or "" for key in ("firstName", "lastName"))
    if not isinstance(first, str) or not isinstance(last, str):
        return ""
    return f"{first} {last}".encode("utf-8", "replace")[:_MAX_NAME_BYTES].decode("utf-8", "ignore").strip()
