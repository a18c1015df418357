"""A client that states the last change it saw gets every permitted one since, in order, exactly once."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from pbhost.testing import Running

from .conftest import POSTS, Stream, subscribe, write


class Socket:
    """A WebSocket client."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, hello: Any) -> None:
        self.socket, self.hello = socket, hello

    @classmethod
    async def open(cls, running: Running) -> Socket:
        socket = await running.session.ws_connect(running.url + "/api/realtime/ws")
        return cls(socket, await socket.receive_json(timeout=5))

    async def ask(self, **message: object) -> tuple[Any, list[Any]]:
        """The answer to a message, and what arrived before it."""
        await self.socket.send_json({"id": 1, **message})
        before = []
        while (answer := await self.socket.receive_json(timeout=5))["type"] == "message":
            before.append(answer)
        return answer, before

    async def next(self) -> Any:
        return await self.socket.receive_json(timeout=5)


async def test_a_stream_gets_what_it_missed_in_order_and_then_goes_on_live(running: Running) -> None:
    stream = await Stream.open(running, "?seq=true")
    await subscribe(running, stream, "posts/*", after=stream.hello["seq"])
    await write(running, "first")
    last = (await stream.next()).data["seq"]
    stream.response.close()

    missed = [await write(running, f"missed {index}") for index in range(5)]
    await write(running, "draft", status="draft")
    token = await running.superuser()
    await running.request("PATCH", f"{POSTS}/{missed[0]['id']}", {"title": "changed"}, token=token)
    await running.request("DELETE", f"{POSTS}/{missed[1]['id']}", token=token)

    again = await Stream.open(running, "?seq=true")
    assert (await subscribe(running, again, "posts/*", after=last)).status == 204
    await write(running, "live")
    seen = await again.until("live")
    assert [(item["action"], item["record"]["id"]) for item in seen[:-1]] == [
        *(("create", post["id"]) for post in missed),
        ("update", missed[0]["id"]),
        ("delete", missed[1]["id"]),
    ]
    numbers = [item["seq"] for item in seen]
    assert numbers == sorted(set(numbers))
    assert numbers[0] > last


async def test_a_sequence_number_that_is_not_known_says_reload(running: Running) -> None:
    stream = await Stream.open(running, "?seq=true")
    answer = await subscribe(running, stream, "posts/*", after=10**9)
    assert answer.status == 410
    assert answer.body["data"]["after"]["code"] == "realtime_sequence_unknown"  # type: ignore[index,call-overload]
    for index in range(3):
        await write(running, f"post {index}")
    async with running.app.transaction() as tx:
        await tx.execute("DELETE FROM _pbhost_changes WHERE seq <= (SELECT max(seq) FROM _pbhost_changes) - 1")
    answer = await subscribe(running, stream, "posts/*", after=1)
    assert answer.status == 410
    assert answer.body["data"]["after"]["code"] == "realtime_sequence_too_old"  # type: ignore[index,call-overload]


async def test_resuming_while_others_write_loses_and_repeats_nothing(running: Running) -> None:
    stream = await Stream.open(running, "?seq=true")
    after = stream.hello["seq"]
    writing = asyncio.create_task(_write_many(running, 200))
    seen: list[str] = []
    while len(seen) < 200:
        current = await Stream.open(running, "?seq=true")
        assert (await subscribe(running, current, "posts/*", after=after)).status == 204
        for _ in range(min(30, 200 - len(seen))):
            data = (await current.next()).data
            seen.append(data["record"]["title"])
            after = data["seq"]
        current.response.close()
    await writing
    assert seen == [f"post {index}" for index in range(200)]


async def _write_many(running: Running, count: int) -> None:
    for index in range(count):
        await running.app.records.create("posts", {"title": f"post {index}", "status": "live"})


async def test_a_websocket_subscribes_adds_removes_and_acknowledges(running: Running) -> None:
    socket = await Socket.open(running)
    assert socket.hello["type"] == "connect"
    assert (await socket.ask(type="ping", id=7))[0] == {"type": "ack", "id": 7}
    await socket.ask(type="subscribe", subscriptions=["posts/*"])
    await socket.ask(type="subscribe", subscriptions=["news"])
    await write(running, "one")
    message = await socket.next()
    assert (message["topic"], message["data"]["record"]["title"]) == ("posts/*", "one")
    assert await running.app.realtime.send("news", {"n": 1}) == 1
    assert (await socket.next()) == {"type": "message", "topic": "news", "data": {"n": 1}}
    await socket.ask(type="unsubscribe", subscriptions=["posts/*"])
    await write(running, "two")
    await running.app.realtime.send("news", {"n": 2})
    assert (await socket.next())["data"] == {"n": 2}


async def test_a_websocket_resumes_and_the_acknowledgement_says_it_is_complete(running: Running) -> None:
    socket = await Socket.open(running)
    start = socket.hello["seq"]
    await socket.socket.close()
    for index in range(3):
        await write(running, f"post {index}")
    again = await Socket.open(running)
    answer, missed = await again.ask(type="subscribe", subscriptions=["posts/*"], after=start)
    assert answer == {"type": "ack", "id": 1}
    assert [item["data"]["record"]["title"] for item in missed] == ["post 0", "post 1", "post 2"]


async def test_a_websocket_authenticates_with_a_token(running: Running) -> None:
    socket = await Socket.open(running)
    refused, _ = await socket.ask(type="auth", token="not a token")
    assert refused["error"]["status"] == 403
    assert (await socket.ask(type="auth", token=await running.superuser()))[0]["type"] == "ack"
    await socket.ask(type="subscribe", subscriptions=["posts/*"])
    await write(running, "draft", status="draft")
    assert (await socket.next())["data"]["record"]["title"] == "draft"


@pytest.mark.parametrize(
    "message",
    [
        {"type": "nonsense"},
        {"type": "subscribe", "subscriptions": 5},
        {"type": "subscribe", "after": -1},
        {"type": "auth"},
    ],
)
async def test_a_websocket_message_that_is_wrong_gets_an_error_and_the_socket_lives(
    running: Running, message: dict[str, object]
) -> None:
    socket = await Socket.open(running)
    answer, _ = await socket.ask(**message)
    assert (answer["type"], answer["error"]["status"]) == ("error", 400)
    await socket.socket.send_str("{not json")
    assert (await socket.next())["error"]["message"] == "Not valid JSON."
    assert (await socket.ask(type="ping"))[0]["type"] == "ack"
