"""Which processes have the data directory open, so that nobody exchanges its content or clears it up under another.

Besides a server and its workers these are commands that run for a moment. All share a lock; who exchanges the content
needs it alone. The system gives it free when a process ends, however that happens.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

LOCK_FILE: Final = ".pbhost-open.lock"
_PAUSE: Final = 0.02


class Presence:
    """The lock of one application.

    Args:
        directory: the data directory; made if it is missing.
    """

    def __init__(self, directory: Path) -> None:
        self._file: int | None = None
        # Whoever opens the database says what is wrong with such a directory, and better.
        with suppress(OSError):
            directory.mkdir(parents=True, exist_ok=True)
            self._file = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def share(self) -> None:
        """From now on the directory stays as it is; waits while another process exchanges its content."""
        if self._file is not None:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(self._file, fcntl.LOCK_SH)

    def take(self, seconds: float) -> bool:
        """Waits so long at most for all others to be gone; whether this process is alone, until it shares again."""
        if self._file is None:
            return False
        give_up_at = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() >= give_up_at:
                    return False
                time.sleep(_PAUSE)
            else:
                return True

    def end(self) -> None:
        """Everything in the directory is closed."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
