"""A wall clock for tests."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class MovableClock:
    """The wall clock, until it is moved or stopped.

    What expires by date (tokens, codes, ``@now`` in filters, autodates, the retention of logs) follows it; timeouts
    and rate limits measure durations and do not. Cron jobs are not started by moving it: ``await
    pbhost_app.app.cron.run("job")`` runs one under the moved clock.
    """

    def __init__(self) -> None:
        self._offset = 0.0
        self._stopped_at: float | None = None

    def timestamp(self) -> float:
        """Seconds since 1970."""
        return (time.time() if self._stopped_at is None else self._stopped_at) + self._offset

    def now(self) -> datetime:
        """The moment it shows, in UTC."""
        return datetime.fromtimestamp(self.timestamp(), UTC)

    def move(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Forwards, or backwards with negative numbers."""
        self._offset += timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()

    def set(self, moment: datetime) -> None:
        """To an aware moment, from where it goes on (or stands still, if it was stopped)."""
        self._offset += moment.timestamp() - self.timestamp()

    def stop(self) -> None:
        """It shows the same moment until it is moved."""
        if self._stopped_at is None:
            self._stopped_at = time.time()

    def go_on(self) -> None:
        """It runs again from the moment it shows."""
        if self._stopped_at is not None:
            shown, self._stopped_at = self.timestamp(), None
            self._offset = shown - time.time()
