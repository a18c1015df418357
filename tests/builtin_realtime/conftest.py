"""A server with a collection of posts, and readers of its streams."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import aiohttp
import pytest

from pbhost.testing import Running, running_app

POSTS = "/api/collections/posts/records"
FIELDS = [
    {"name": "title", "type": "text"},
    {"name": "status", "type": "text"},
    {"name": "owner", "type": "text"},
    {"name": "internal", "type": "text", "hidden": True},
]


@dataclass
class Event:
    id: str
    name: str
    data: Any


class Stream:
    """A reader of one stream; the fixture closes what a test leaves open."""

    opened: ClassVar[list[Stream]] = []

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.client_id = ""
        self.hello: Any = None
        self.opened.append(self)

    @classmethod
    async def open(cls, running: Running, query: str = "") -> Stream:
        stream = cls(await running.session.get(f"{running.url}/api/realtime{query}"))
        hello = await stream.next()
        stream.client_id, stream.hello = hello.id, hello.data
        return stream

    async def next(self) -> Event:
        async with asyncio.timeout(5):
            lines = [(await self.response.content.readline()).decode() for _ in range(4)]
        assert lines[3] == "\n", lines
        keys = [line.partition(":")[0] for line in lines[:3]]
        assert keys == ["id", "event", "data"]
        values = [line.partition(":")[2].removesuffix("\n") for line in lines[:3]]
        return Event(values[0], values[1], json.loads(values[2]))

    async def until(self, title: str) -> list[Any]:
        """The data of all events up to the one whose record has this title."""
        seen = []
        while not seen or seen[-1]["record"].get("title") != title:
            seen.append((await self.next()).data)
        return seen


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_app(tmp_path) as server:
        body = {"name": "posts", "fields": FIELDS, "listRule": "status = 'live'", "viewRule": ""}
        made = await server.request("POST", "/api/collections", body, token=await server.superuser())
        assert made.status == 200, made.body
        yield server
        for stream in Stream.opened:
            stream.response.close()
        Stream.opened.clear()


async def subscribe(running: Running, stream: Stream, *subscriptions: str, token: str = "", **more: object) -> Any:
    body = {"clientId": stream.client_id, "subscriptions": list(subscriptions), **more}
    return await running.request("POST", "/api/realtime", body, token=token)


async def write(running: Running, title: str, status: str = "live", **more: object) -> Any:
    answer = await running.request(
        "POST", POSTS, {"title": title, "status": status, **more}, token=await running.superuser()
    )
    assert answer.status == 200, answer.body
    return answer.body
