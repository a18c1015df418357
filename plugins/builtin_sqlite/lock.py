"""The turn to write, shared fairly by the processes that have the same database open.

SQLite's own write lock is polled with growing pauses, so that one of two busy processes starves. A file lock is waited
for in the kernel. One alone is not fair either: whoever gives it up and asks again at once wins over a process that
has to wake up first. So there are two: who wants to write queues for the first, which holds one process back while it
waits for the second.
"""

from __future__ import annotations

import fcntl
import os
import threading
from queue import Empty, SimpleQueue
from types import TracebackType

from pbhost.errors import DatabaseBusyError


class WriteTurn:
    """A context manager for one thread of one process; other processes wait, up to ``timeout`` seconds.

    The file is never written and may be deleted while no process runs. It must not be the database itself: closing any
    descriptor of that would drop SQLite's locks on it.

    Args:
        path: of the lock file.
        timeout: seconds to wait for the turn.

    Raises:
        pbhost.errors.DatabaseBusyError: on entering, when the turn does not come in time.
    """

    def __init__(self, path: str, timeout: float) -> None:
        self._timeout = timeout
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._queue_file = os.open(path + "-queue", flags, 0o600)
        self._turn_file = os.open(path, flags, 0o600)
        self._waiter: _Waiter | None = None

    def __enter__(self) -> None:
        try:
            fcntl.flock(self._queue_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._wait()
            return
        try:
            fcntl.flock(self._turn_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._wait()
            return
        fcntl.flock(self._queue_file, fcntl.LOCK_UN)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        fcntl.flock(self._turn_file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Gives up the files."""
        if self._waiter is not None:
            self._waiter.stop()
            if not self._waiter.idle:
                return  # its thread still hangs in the kernel with these descriptors; the process is about to end
        os.close(self._queue_file)
        os.close(self._turn_file)

    def _wait(self) -> None:
        if self._waiter is None:
            self._waiter = _Waiter(self._queue_file, self._turn_file)
        if not self._waiter.acquire(self._timeout):
            raise DatabaseBusyError("another process held the database for too long")


class _Waiter:
    """A thread that waits for the kernel, since waiting for a file lock cannot be limited in time."""

    def __init__(self, queue_file: int, turn_file: int) -> None:
        self._queue_file = queue_file
        self._turn_file = turn_file
        self._wanted: SimpleQueue[_Wish | None] = SimpleQueue()
        self.idle = True
        threading.Thread(target=self._run, name="pbhost-write-turn", daemon=True).start()

    def acquire(self, timeout: float) -> bool:
        wish = _Wish()
        self.idle = False
        self._wanted.put(wish)
        try:
            wish.granted.get(timeout=timeout)
        except Empty:
            if wish.abandon():
                return False
        self.idle = True
        return True

    def stop(self) -> None:
        self._wanted.put(None)

    def _run(self) -> None:
        while (wish := self._wanted.get()) is not None:
            fcntl.flock(self._queue_file, fcntl.LOCK_EX)
            fcntl.flock(self._turn_file, fcntl.LOCK_EX)
            fcntl.flock(self._queue_file, fcntl.LOCK_UN)
            if not wish.grant():
                fcntl.flock(self._turn_file, fcntl.LOCK_UN)
                self.idle = True


class _Wish:
    """One wait for the turn; either granted or abandoned, never both."""

    def __init__(self) -> None:
        self.granted: SimpleQueue[None] = SimpleQueue()
        self._lock = threading.Lock()
        self._settled = False

    def grant(self) -> bool:
        with self._lock:
            if self._settled:
                return False
            self._settled = True
        self.granted.put(None)
        return True

    def abandon(self) -> bool:
        with self._lock:
            if self._settled:
                return False
            self._settled = True
        return True
