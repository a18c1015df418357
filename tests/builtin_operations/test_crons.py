"""Scheduled jobs: listed, started by hand, started by the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from builtin_operations.cron.service import Minutes

from pbhost import CronJob, hookimpl
from pbhost.hooks.events import CronEvent
from pbhost.testing import Running

ROOT = "token-of-a-superuser"
Start = Callable[..., AbstractAsyncContextManager[Running]]


class Jobs:
    """A plugin with two jobs."""

    def __init__(self) -> None:
        self.ran: asyncio.Queue[str] = asyncio.Queue()

    @hookimpl
    def register_cron_jobs(self) -> list[CronJob]:
        return [CronJob("zeta", "@daily", self.work), CronJob("alpha", "30 12 * * *", self.fail)]

    async def work(self) -> None:
        self.ran.put_nowait("zeta")

    async def fail(self) -> None:
        self.ran.put_nowait("alpha")
        raise RuntimeError("a broken job")

    @hookimpl
    def on_cron_run(self, event: CronEvent) -> None:
        self.ran.put_nowait(f"hook {event.job_id}")


async def test_own_jobs_come_first_and_macros_are_expanded(start: Start) -> None:
    async with start(Jobs()) as server:
        answer = await server.request("GET", "/api/crons", token=ROOT)
        assert answer.body == [
            {"id": "alpha", "expression": "30 12 * * *"},
            {"id": "zeta", "expression": "0 0 * * *"},
            {"id": "__pbDBOptimize__", "expression": "0 0 * * *"},
            {"id": "__pbLogsCleanup__", "expression": "0 */6 * * *"},
        ]


async def test_a_job_runs_on_demand_and_its_failure_is_only_logged(start: Start) -> None:
    jobs = Jobs()
    async with start(jobs) as server:
        for name in ("zeta", "alpha"):
            assert (await server.request("POST", f"/api/crons/{name}", token=ROOT)).status == 204
            assert [await jobs.ran.get(), await jobs.ran.get()] == [f"hook {name}", name]
        missing = await server.request("POST", "/api/crons/missing", token=ROOT)
        assert (missing.status, missing["message"]) == (404, "Missing or invalid cron job.")
        assert (await server.request("POST", "/api/crons/zeta")).status == 401


async def test_the_clock_starts_what_is_due(start: Start) -> None:
    jobs = Jobs()
    async with start(jobs) as server:
        cron: Any = server.app.cron
        assert cron.start_due(datetime(2024, 5, 1, 12, 29, tzinfo=UTC)) == []
        assert cron.start_due(datetime(2024, 5, 1, 12, 30, tzinfo=UTC)) == ["alpha"]
        assert [await jobs.ran.get(), await jobs.ran.get()] == ["hook alpha", "alpha"]


async def test_jobs_can_be_added_replaced_and_removed(server: Running) -> None:
    async def nothing() -> None:
        return None

    cron = server.app.cron
    cron.add(CronJob("mine", "@hourly", nothing))
    cron.add(CronJob("mine", "@daily", nothing))
    assert [job.expression for job in cron.jobs() if job.id == "mine"] == ["0 0 * * *"]
    with pytest.raises(ValueError, match="invalid cron expression"):
        cron.add(CronJob("mine", "nonsense", nothing))
    cron.remove("mine")
    assert "mine" not in [job.id for job in cron.jobs()]


async def test_upkeep_runs_without_complaint(server: Running) -> None:
    for job in server.app.cron.jobs():
        await job.run()


async def test_the_schedule_of_backups_follows_the_settings(server: Running) -> None:
    def scheduled() -> dict[str, str]:
        return {job.id: job.expression for job in server.app.cron.jobs() if job.id == "__pbAutoBackup__"}

    assert scheduled() == {}
    await server.app.settings.update({"backups": {"cron": "@weekly"}})
    assert scheduled() == {"__pbAutoBackup__": "0 0 * * 0"}
    assert cast(Any, server.app.settings.section("backups"))["cron"] == "@weekly"
    await server.app.settings.update({"backups": {"cron": ""}})
    assert scheduled() == {}


def test_minutes_of_a_clock_that_jumps() -> None:
    start = datetime(2026, 5, 1, 12, 0, 30, tzinfo=UTC)
    minutes = Minutes(start)
    offsets = [
        ("a timer that fires early", timedelta(seconds=29), None),
        ("the next minute", timedelta(seconds=31), "12:01"),
        ("set back by some seconds", timedelta(seconds=20), None),
        ("the same minute once more", timedelta(seconds=40), None),
        ("the one after it", timedelta(seconds=95), "12:02"),
        ("two days ahead: one minute, not thousands", timedelta(days=2), "12:00"),
        ("back by an hour: those minutes were there", timedelta(days=2, hours=-1), None),
        ("back by two days: the clock had been wrong", timedelta(minutes=5), "12:05"),
        ("and goes on from there", timedelta(minutes=6), "12:06"),
    ]
    for what, offset, expected in offsets:
        found = minutes.begun(start + offset)
        assert (what, found and found.strftime("%H:%M")) == (what, expected)
