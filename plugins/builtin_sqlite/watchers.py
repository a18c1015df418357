"""Who waits for commits: each watcher sees the newest sequence number, several commits may become one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator


class Watchers:
    """The newest sequence number known, and those who wait for a newer one."""

    def __init__(self) -> None:
        self.newest = 0
        self._waiting: set[asyncio.Event] = set()
        self._closed = False

    def advance(self, seq: int) -> None:
        """Wakes the watchers if this is news."""
        if seq > self.newest:
            self.newest = seq
            for event in self._waiting:
                event.set()

    def close(self) -> None:
        """Ends all watching."""
        self._closed = True
        for event in self._waiting:
            event.set()

    async def watch(self) -> AsyncIterator[int]:
        """The newest number at once, then each time it has grown."""
        news = asyncio.Event()
        self._waiting.add(news)
        try:
            seen = -1
            while not self._closed:
                news.clear()
                if self.newest > seen:
                    seen = self.newest
                    yield seen
                else:
                    await news.wait()
        finally:
            self._waiting.discard(news)
