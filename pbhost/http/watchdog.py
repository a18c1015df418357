"""Notices an event loop that stands still, and says in whose code: a plain hook that blocks stops every request."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import traceback

log = logging.getLogger("pbhost.watchdog")


class Watchdog:
    """Watches one event loop from a thread of its own.

    Args:
        patience: seconds without a turn of the loop after which its stack is logged, once for each standstill.
    """

    def __init__(self, patience: float = 5.0) -> None:
        self._patience = patience
        self._beat = time.monotonic()
        self._stop = threading.Event()
        self._handle: asyncio.TimerHandle | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts watching the running loop; called on its thread."""
        loop = asyncio.get_running_loop()
        watched = threading.get_ident()

        def beat() -> None:
            self._beat = time.monotonic()
            self._handle = loop.call_later(self._patience / 4, beat)

        beat()
        self._thread = threading.Thread(target=self._watch, args=(watched,), name="pbhost-watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._stop.set()
        if self._handle is not None:
            self._handle.cancel()
        if self._thread is not None:
            self._thread.join()

    def _watch(self, watched: int) -> None:
        is_reported = False
        while not self._stop.wait(self._patience / 4):
            late = time.monotonic() - self._beat
            if late < self._patience:
                is_reported = False
            elif not is_reported:
                is_reported = True
                frame = sys._current_frames().get(watched)
                stack = "".join(traceback.format_stack(frame)[-12:]) if frame is not None else "unknown"
                log.error(
                    "the event loop has stood still for %.0f s; no request is answered meanwhile. A plain hook or "
                    "handler must not block: make it async, or use asyncio.to_thread. It is here:\n%s",
                    late,
                    stack,
                )
