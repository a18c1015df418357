"""Fixed-window counters per client, bounded in memory whatever the number of clients."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable


class FixedWindows:
    """Counts requests per bucket and client; a window starts with its first request.

    Args:
        capacity: the most windows kept; beyond it the oldest one is forgotten, so a caller with many addresses
            costs bounded memory and can at worst free other callers early.
        clock: seconds, monotonic.
    """

    def __init__(self, capacity: int = 200_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = capacity
        self._clock = clock
        # Value: [start, duration, requests]. Kept in order of their start, so the oldest is first.
        self._windows: OrderedDict[tuple[str, str], list[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    def allow(self, bucket: str, client: str, limit: int, duration: float) -> bool:
        """Whether one more request fits; a rejected one does not extend the window."""
        now = self._clock()
        key = (bucket, client)
        window = self._windows.get(key)
        if window is None or now - window[0] >= duration:
            self._windows[key] = [now, duration, 1]
            self._windows.move_to_end(key)
            if len(self._windows) > self._capacity:
                self._windows.popitem(last=False)
            return limit > 0
        if window[2] >= limit:
            return False
        window[2] += 1
        return True

    def purge(self) -> int:
        """Forgets the windows that have ended; returns how many."""
        now = self._clock()
        ended = [key for key, (start, duration, _) in self._windows.items() if now - start >= duration]
        for key in ended:
            del self._windows[key]
        return len(ended)

    def clear(self) -> None:
        """Forgets all counters."""
        self._windows.clear()
