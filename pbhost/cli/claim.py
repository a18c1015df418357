"""One server per data directory: two would run every cron job twice and not share their limits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pbhost.errors import ConfigError

LOCK_FILE = ".pbhost-serve.lock"


@contextmanager
def claimed(directory: Path) -> Iterator[None]:
    """Holds the directory for one server; the system gives it free when the process ends, however that happens.

    Raises:
        ConfigError: another server holds it; the message says which and what to do.
    """
    try:
        import fcntl

        directory.mkdir(parents=True, exist_ok=True)
        handle = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except (ImportError, OSError):
        # No such locks on this system, or a directory that cannot be written: the database says so, and better.
        yield
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(handle, 32).decode(errors="replace").strip() or "unknown"
            raise ConfigError(
                f"another server (process {owner}) already serves {directory}: stop it, choose another directory "
                f"with --dir, or let one server use more processes with --workers"
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)
