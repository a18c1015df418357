"""The scheduler: jobs by id, and the ticker that starts the due ones at each full minute."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from builtin_operations.cron.expression import CronExpression
from pbhost.errors import NotFoundError
from pbhost.hooks.events import CronEvent
from pbhost.model import clock
from pbhost.services import CronJob

if TYPE_CHECKING:
    from pbhost.app import App

log = logging.getLogger("pbhost.cron")

BUILT_IN_PREFIX = "__pb"
#: A clock that was set back by this much had been wrong: its minutes count anew, or no job would run until it is there
#: again. The limit is that of cron(8).
_CORRECTED = timedelta(hours=3)
#: How the built-in jobs are listed, whoever registers them.
_BUILT_IN_ORDER = (
    "__pbDBOptimize__",
    "__pbMFACleanup__",
    "__pbOTPCleanup__",
    "__pbLogsCleanup__",
    "__pbAutoBackup__",
    "__pbRateLimitersCleanup__",
)


class CronService:
    """See :class:`pbhost.services.Cron`. Jobs run as tasks of their own; overlapping runs are allowed."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._jobs: dict[str, tuple[CronJob, CronExpression]] = {}
        self._ticker: asyncio.Task[object] | None = None

    async def start(self) -> None:
        """Adds the jobs that plugins registered; the ticker starts with :meth:`serve`."""
        for item in self._app.collect("register_cron_jobs"):
            self.add(cast(CronJob, item))

    async def stop(self) -> None:
        """Ends the ticker; running jobs are cancelled with the application's background tasks."""
        if self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None

    def serve(self) -> None:
        """Starts the ticker, in the first worker only, so that one process runs each job."""
        if self._app.config.worker == 0 and self._ticker is None:
            self._ticker = self._app.background(self._tick(), name="cron ticker")

    # -- jobs --------------------------------------------------------------------------------------------------------

    def jobs(self) -> Sequence[CronJob]:
        """All jobs, macros expanded: own ones by id, then the built-in ones in their fixed order."""
        return [
            CronJob(job.id, expression.text, job.run)
            for job, expression in sorted(self._jobs.values(), key=lambda entry: _rank(entry[0].id))
        ]

    def add(self, job: CronJob) -> None:
        """Adds a job, or replaces the one with the same id.

        Raises:
            CronExpressionError: a ValueError that says what is wrong with the expression.
        """
        self._jobs[job.id] = (job, CronExpression.parse(job.expression))

    def remove(self, id: str) -> None:  # the Protocol's name
        """Forgets a job; nothing happens if there is none of that id."""
        self._jobs.pop(id, None)

    async def run(self, id: str) -> None:  # the Protocol's name
        """Starts a job now, in the background.

        Raises:
            NotFoundError: no such job.
        """
        entry = self._jobs.get(id)
        if entry is None:
            raise NotFoundError("Missing or invalid cron job.")
        self._start(entry[0])

    def start_due(self, moment: datetime) -> list[str]:
        """Starts the jobs that are due in a minute; returns their ids."""
        due = [job for job, expression in self._jobs.values() if expression.matches(moment)]
        for job in due:
            self._start(job)
        return [job.id for job in due]

    # -- running -----------------------------------------------------------------------------------------------------

    def _start(self, job: CronJob) -> None:
        self._app.background(self._run(job), name=f"cron job {job.id}")

    async def _run(self, job: CronJob) -> None:
        chain = self._app.hooks.chain("on_cron_run")
        try:
            if chain is None:
                await job.run()
            else:
                await chain.run(CronEvent(app=self._app, job_id=job.id, run=job.run), job.run)
        except Exception as error:
            log.exception("the cron job %s failed", job.id, exc_info=error)

    async def _tick(self) -> None:
        minutes = Minutes(clock.utc_now())
        while True:
            now = clock.utc_now()
            await asyncio.sleep((_minute(now) + timedelta(minutes=1) - now).total_seconds())
            minute = minutes.begun(clock.utc_now())
            if minute is not None:
                self.start_due(minute)


class Minutes:
    """The full minutes whose jobs are due, each once, whatever is done to the clock.

    Jobs of minutes that a clock jumps over do not run: a storm of late ones would be worse.
    """

    def __init__(self, start: datetime) -> None:
        self._last = _minute(start)

    def begun(self, now: datetime) -> datetime | None:
        """The minute that has begun; None if it is none, or was one before."""
        minute = _minute(now)
        # A timer may fire a little early, and a clock may be set back a little.
        if minute > self._last or self._last - minute >= _CORRECTED:
            self._last = minute
            return minute
        return None


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _rank(id_: str) -> tuple[int, int, str]:
    if not id_.startswith(BUILT_IN_PREFIX):
        return (0, 0, id_)
    return (1, _BUILT_IN_ORDER.index(id_) if id_ in _BUILT_IN_ORDER else len(_BUILT_IN_ORDER), id_)
