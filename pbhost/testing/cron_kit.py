"""What every scheduler must do: subclass :class:`CronKit` in a test module and give it a ``running`` server.

::

    class TestMyCron(CronKit):
        @pytest.fixture
        async def running(self, tmp_path):
            async with running_app(tmp_path, my_plugin) as running:
                yield running
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from pbhost.errors import NotFoundError
from pbhost.services import CronJob
from pbhost.testing.running import Running


async def _nothing() -> None:
    return None


class CronKit:
    """The tests that any provider of ``provide_cron`` must pass."""

    async def test_a_job_can_be_added_replaced_and_removed(self, running: Running) -> None:
        def expressions() -> list[str]:
            return [job.expression for job in running.app.cron.jobs() if job.id == "kit"]

        running.app.cron.add(CronJob("kit", "5 4 * * *", _nothing))
        running.app.cron.add(CronJob("kit", "@hourly", _nothing))
        assert expressions() == ["0 * * * *"]
        running.app.cron.remove("kit")
        running.app.cron.remove("kit")
        assert expressions() == []

    @pytest.mark.parametrize("expression", ["", "* * * *", "60 * * * *", "* * * * 7", "5/2 * * * *", "@never"])
    async def test_an_invalid_schedule_is_refused(self, running: Running, expression: str) -> None:
        with pytest.raises(ValueError, match=r"."):
            running.app.cron.add(CronJob("kit", expression, _nothing))
        assert "kit" not in [job.id for job in running.app.cron.jobs()]

    async def test_a_job_runs_on_demand_in_the_background(self, running: Running) -> None:
        begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def work() -> None:
            begun.set()
            await go_on.wait()
            done.set()

        running.app.cron.add(CronJob("kit", "0 0 1 1 *", work))
        await running.app.cron.run("kit")
        async with asyncio.timeout(10):
            await begun.wait()
            assert not done.is_set()
            go_on.set()
            await done.wait()

    async def test_a_job_that_fails_disturbs_nobody(self, running: Running) -> None:
        ran: asyncio.Queue[str] = asyncio.Queue()

        def job(name: str, *, fails: bool) -> Callable[[], Awaitable[None]]:
            async def work() -> None:
                ran.put_nowait(name)
                if fails:
                    raise RuntimeError("a broken job")

            return work

        running.app.cron.add(CronJob("kit1", "0 0 1 1 *", job("first", fails=True)))
        running.app.cron.add(CronJob("kit2", "0 0 1 1 *", job("second", fails=False)))
        async with asyncio.timeout(10):
            for name, expected in (("kit1", "first"), ("kit2", "second"), ("kit1", "first")):
                await running.app.cron.run(name)
                assert await ran.get() == expected

    async def test_an_unknown_job_is_not_found(self, running: Running) -> None:
        with pytest.raises(NotFoundError):
            await running.app.cron.run("no such job")
