"""Limits that are always on, in the memory of this process: mails to one record."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable

LIMIT = 50_000


class Cooldown:
    """Remembers for ``seconds`` that something was done for a key."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._until: dict[Hashable, float] = {}

    def is_active(self, key: Hashable) -> bool:
        """Whether it was done less than ``seconds`` ago."""
        until = self._until.get(key)
        if until is None:
            return False
        if self._clock() >= until:
            del self._until[key]
            return False
        return True

    def begin(self, key: Hashable) -> None:
        """It was done now."""
        if len(self._until) >= LIMIT:
            self._until.pop(next(iter(self._until)))
        self._until[key] = self._clock() + self._seconds

    def lift(self, key: Hashable) -> None:
        """It may be done again at once."""
        self._until.pop(key, None)
