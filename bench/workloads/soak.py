"""A bounded mixed load: memory and open files stay flat, and nothing fails."""

from __future__ import annotations

import asyncio
import os
import time

import aiohttp

from bench.data import new_article
from bench.environment import COLLECTION, Environment
from bench.report import Line, Report

_CLIENTS = 16
#: The first part fills caches and pools; what grows after it would grow for ever.
_WARM_UP = 0.3


def run(environment: Environment, report: Report) -> None:
    report.say("soak")
    server = environment.server
    seconds = max(20.0, environment.seconds * 4)
    samples: list[tuple[float, int]] = []
    counts = {"done": 0, "failed": 0}

    async def load() -> None:
        end = time.monotonic() + seconds
        warm = time.monotonic() + seconds * _WARM_UP
        async with aiohttp.ClientSession(server.url) as session:
            clients = [asyncio.create_task(_client(session, end, counts)) for _ in range(_CLIENTS)]
            while time.monotonic() < end:
                await asyncio.sleep(0.5)
                if time.monotonic() > warm:
                    samples.append(
                        (server.resident_mib(), sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in server.pids))
                    )
            await asyncio.gather(*clients)

    asyncio.run(load())
    half = max(1, len(samples) // 2)
    early, late = samples[:half], samples[half:] or samples
    memory = max(item[0] for item in late) - max(item[0] for item in early)
    files = max(item[1] for item in late) - max(item[1] for item in early)
    note = f"{counts['done']:,} requests in {seconds:.0f} s"
    report.add(Line("soak: growth of memory", memory, 15, at_most=True, unit=" MiB", note=note))
    report.add(Line("soak: growth of open files", files, 4, at_most=True))
    report.add(Line("soak: failed requests", counts["failed"], 0, at_most=True))


async def _client(session: aiohttp.ClientSession, end: float, counts: dict[str, int]) -> None:
    """Creates, reads, lists, changes and deletes a record, again and again."""
    records = f"/api/collections/{COLLECTION}/records"
    while time.monotonic() < end:
        made = await _send(session, "POST", records, counts, new_article())
        if not isinstance(made, dict):
            continue
        one = f"{records}/{made['id']}"
        await _send(session, "GET", one, counts)
        await _send(session, "GET", f"{records}?perPage=20&sort=-created", counts)
        await _send(session, "PATCH", one, counts, new_article())
        await _send(session, "DELETE", one, counts)


async def _send(
    session: aiohttp.ClientSession, method: str, path: str, counts: dict[str, int], body: object = None
) -> object:
    try:
        async with session.request(method, path, json=body) as response:
            answer: object = await response.json() if response.status == 200 else await response.read()
            counts["done" if response.status < 400 else "failed"] += 1
            return answer
    except (aiohttp.ClientError, TimeoutError):
        counts["failed"] += 1
        return None
