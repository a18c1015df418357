"""The logs service: entries are queued on the event loop and stored in batches off the request path."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import TYPE_CHECKING, TypeAlias

from builtin_operations.logs.entry import LogEntry, request_entry, shorten
from builtin_operations.logs.store import LogStore
from pbhost.errors import JSON, DatabaseBusyError, DatabaseUnusableError
from pbhost.model import clock
from pbhost.model.dates import format_date
from pbhost.services import LogLevel, RequestLogEntry

if TYPE_CHECKING:
    from pbhost.app import App

log = logging.getLogger("pbhost.logs")

_BATCH = 200
_IDLE_SECONDS = 3.0
#: Between two batches at least.
_PAUSE = 0.5
#: Beyond this many waiting entries the database does not keep up, and new ones are dropped rather than kept in memory.
_MAX_WAITING = 50_000
_MAX_TEXT = 20_000

_Queued: TypeAlias = "tuple[float, LogLevel, str, Mapping[str, JSON]] | tuple[float, RequestLogEntry]"


class LogsService:
    """See :class:`pbhost.services.Logs`."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.store: LogStore | None = None
        self._queue: list[_Queued] = []
        self._dropped = 0
        self._complaint = ""
        self._last_flush = 0.0
        self._wake: asyncio.TimerHandle | None = None
        self._flushing: asyncio.Task[object] | None = None
        self._max_days = 0
        self._min_level = 0
        self._with_ip = True
        self._with_auth_id = False
        self._bridge = _LoggingBridge(self)

    # -- life --------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Takes the settings and begins to accept what Python's logging reports."""
        auxiliary = self._app.db.auxiliary
        self.store = None if auxiliary is None else LogStore(auxiliary)
        self._configure()
        # Registered after the first load: opening a data directory never deletes its log.
        self._app.settings.on_change(self._changed)
        self._bridge.loop = asyncio.get_running_loop()
        logging.getLogger("pbhost").addHandler(self._bridge)

    async def stop(self) -> None:
        """Stores what is queued."""
        logging.getLogger("pbhost").removeHandler(self._bridge)
        await self.flush()
        if lost := len(self._queue) + self._dropped:
            self._complain(f"{lost} log entries are lost: the database took none until the end")

    def _configure(self) -> None:
        section = self._app.settings.section("logs")
        self._max_days = _integer(section.get("maxDays"))
        self._min_level = _integer(section.get("minLevel"))
        self._with_ip = section.get("logIP") is True
        self._with_auth_id = section.get("logAuthId") is True

    def _changed(self) -> None:
        self._configure()
        self._app.background(self.purge(below_level=True), name="log retention")

    async def purge(self, *, below_level: bool = False) -> None:
        """Deletes what the retention settings no longer keep."""
        if self.store is not None:
            await self.store.purge(self._max_days, self._min_level if below_level else None)

    # -- writing -----------------------------------------------------------------------------------------------------

    def write(self, level: LogLevel, message: str, data: Mapping[str, JSON] | None = None) -> None:
        """Queues an entry; never blocks, never raises."""
        if level >= self._min_level and self._max_days > 0:
            self._enqueue((clock.timestamp(), level, message, data or {}))

    def write_request(self, entry: RequestLogEntry) -> None:
        """Queues the entry of a request; its text is made later, off the event loop."""
        if self._max_days > 0 and self._min_level <= (8 if entry.error else 0):
            self._enqueue((clock.timestamp(), entry))

    def _enqueue(self, item: _Queued) -> None:
        if self.store is None:
            return
        queue = self._queue
        if len(queue) >= _MAX_WAITING:
            self._dropped += 1
            return
        queue.append(item)
        if len(queue) == _BATCH:
            # A server under load fills batches by the dozen each second; larger ones cost it much less.
            self._wake_after(max(0.0, self._last_flush + _PAUSE - monotonic()))
        elif self._wake is None and not self._is_flushing:
            self._wake_after(_IDLE_SECONDS)

    def _wake_after(self, seconds: float) -> None:
        self._cancel_wake()
        if not self._is_flushing:
            with suppress(RuntimeError):  # no running loop: stored by the flush at shutdown
                self._wake = asyncio.get_running_loop().call_later(seconds, self._start_flush)

    def _cancel_wake(self) -> None:
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None

    @property
    def _is_flushing(self) -> bool:
        return self._flushing is not None and not self._flushing.done()

    def _start_flush(self) -> None:
        self._cancel_wake()
        if not self._is_flushing:
            self._flushing = asyncio.get_running_loop().create_task(self._flush_and_go_on(), name="log flush")

    async def _flush_and_go_on(self) -> None:
        await self._store_batch()
        self._flushing = None
        if self._queue:
            self._wake_after(_PAUSE if len(self._queue) >= _BATCH and not self._complaint else _IDLE_SECONDS)

    async def flush(self) -> None:
        """Stores everything that was queued before this call."""
        self._cancel_wake()
        if self._flushing is not None and not self._flushing.done():
            await asyncio.wait([self._flushing])
            self._cancel_wake()
        await self._store_batch()

    async def _store_batch(self) -> None:
        store = self.store
        if store is None or not self._queue:
            return
        self._last_flush = monotonic()
        batch, self._queue = self._queue, []
        if self._dropped:
            message = f"{self._dropped} log entries were dropped: the database did not keep up"
            batch.append((clock.timestamp(), 4, message, {}))
            self._dropped = 0
        try:
            entries = await asyncio.to_thread(self._shape, batch)
            await store.insert(entries)
        except (DatabaseBusyError, DatabaseUnusableError) as error:
            # Locked, or no room: that may pass. Nothing waits for it but the entries, and those are bounded.
            self._keep(batch)
            self._complain(f"log entries cannot be stored for now: {error}")
        except Exception as error:
            self._complain(f"{len(batch)} log entries could not be stored: {error}")
        else:
            self._complaint = ""

    def _keep(self, batch: list[_Queued]) -> None:
        """Puts entries back in front of the queue; the oldest go when they are too many."""
        waiting = [*batch, *self._queue]
        excess = max(0, len(waiting) - _MAX_WAITING)
        self._dropped += excess
        self._queue = waiting[excess:]

    def _complain(self, message: str) -> None:
        """Says so once, not with every attempt; not through logging: this very service would queue the report."""
        if message != self._complaint:
            self._complaint = message
            print(f"pbhost: {message}", file=sys.stderr)  # noqa: T201

    def _shape(self, batch: list[_Queued]) -> list[LogEntry]:
        with_ip, with_auth_id = self._with_ip, self._with_auth_id
        entries: list[LogEntry] = []
        second, stored_second = -1, ""
        for number, item in enumerate(batch):
            if number % _BATCH == 0:
                # Lets the event loop have Python's lock: it would wait for milliseconds to be given it unasked.
                sleep(0)
            seconds = item[0]
            if int(seconds) != second:  # formatted once for the hundreds of entries that share it
                second = int(seconds)
                stored_second = format_date(datetime.fromtimestamp(second, UTC))[:-4]
            created = f"{stored_second}{int((seconds - second) * 1000):03d}Z"
            if len(item) == 2:
                entries.append(request_entry(item[1], created, with_ip=with_ip, with_auth_id=with_auth_id))
            else:
                _, level, message, data = item
                entries.append(LogEntry(level, shorten(message, _MAX_TEXT), created, data))
        return entries


class _LoggingBridge(logging.Handler):
    """Stores warnings and errors of pbhost's own loggers, with their tracebacks, in the log of the application."""

    def __init__(self, logs: LogsService) -> None:
        super().__init__(logging.WARNING)
        self._logs = logs
        self.loop: asyncio.AbstractEventLoop | None = None
        self._formatter = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        if self.loop is None or self.loop.is_closed():
            return
        data: dict[str, JSON] = {"type": "server", "logger": record.name}
        if record.exc_info:
            data["traceback"] = shorten(self._formatter.formatException(record.exc_info), _MAX_TEXT)
        level: LogLevel = 8 if record.levelno >= logging.ERROR else 4
        # Records come from database threads too, the queue belongs to the event loop.
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._logs.write, level, record.getMessage(), data)


def _integer(value: JSON) -> int:
    return value if isinstance(value, int) else 0
