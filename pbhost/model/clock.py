"""What time it is. The server reads the wall clock here and nowhere else, so that a test can move it.

The wall clock is a global of the operating system, so its stand-in is one too; what measures durations (timeouts,
the time spent in a hook) uses ``time.monotonic`` and does not move.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

_source: Callable[[], float] = time.time


def timestamp() -> float:
    """Seconds since 1970."""
    return _source()


def utc_now() -> datetime:
    """The current moment, in UTC."""
    return datetime.fromtimestamp(_source(), UTC)


@contextmanager
def replaced(source: Callable[[], float]) -> Iterator[None]:
    """Another clock for the duration of a block; for tests."""
    global _source  # noqa: PLW0603  # see the head of this file
    before, _source = _source, source
    try:
        yield
    finally:
        _source = before
