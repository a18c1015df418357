"""Blocking work in threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from builtin_files.workers import Workers


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    workers = Workers("test-workers", 3)
    yield workers
    await asyncio.to_thread(workers.close)


async def test_results_and_errors_come_back(workers: Workers) -> None:
    assert await workers.run(lambda: 5) == 5
    with pytest.raises(ZeroDivisionError):
        await workers.run(lambda: 1 // 0)


async def test_no_more_threads_than_allowed_and_none_before_they_are_needed(workers: Workers) -> None:
    names: set[str] = set()
    await workers.run(lambda: names.add(threading.current_thread().name))
    await workers.run(lambda: names.add(threading.current_thread().name))
    assert len(names) == 1
    barrier = threading.Barrier(3)
    await asyncio.gather(*(workers.run(barrier.wait) for _ in range(3)))
    await asyncio.gather(*(workers.run(lambda: names.add(threading.current_thread().name)) for _ in range(50)))
    assert len(names) <= 3


async def test_a_cancelled_caller_waits_for_the_end_of_the_work(workers: Workers) -> None:
    started, go_on = threading.Event(), threading.Event()
    done: list[str] = []

    def work() -> None:
        started.set()
        go_on.wait(5)
        done.append("work")

    async def call() -> None:
        try:
            await workers.run(work)
        finally:
            done.append("caller")

    task = asyncio.create_task(call())
    await asyncio.to_thread(started.wait, 5)
    task.cancel()
    await asyncio.sleep(0)
    assert done == []
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == ["work", "caller"]


async def test_a_blocking_iterator(workers: Workers) -> None:
    assert [item async for item in workers.iterate(iter(range(1201)))] == list(range(1201))
