"""Nobody ever receives what the rules deny, while rules, records and identities change under load."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from pbhost import Record
from pbhost.testing import Running

from .conftest import Stream, subscribe

#: All of them keep a record from everybody but its owner; they differ in what the owner sees.
RULES = [
    "owner = @request.auth.id",
    "owner = @request.auth.id && status = 'live'",
    "@request.auth.id != '' && owner = @request.auth.id && @request.auth.verified = false",
    None,
]
USERS = 4
ROUNDS = 60


async def drain(stream: Stream, into: list[Any]) -> None:
    """Everything a stream receives until it is closed."""
    try:
        while True:
            into.append((await stream.next()).data)
    except (AssertionError, TimeoutError, aiohttp.ClientError, OSError):
        return


@pytest.fixture
async def users(running: Running) -> list[tuple[Record, str]]:
    found = []
    for index in range(USERS):
        user, token = await running.user(f"user{index}@example.com")
        found.append((user, token))
    body = {"listRule": RULES[0], "viewRule": RULES[0]}
    answer = await running.request("PATCH", "/api/collections/posts", body, token=await running.superuser())
    assert answer.status == 200, answer.body
    return found


async def test_a_subscriber_gets_only_its_own_records_whatever_changes(
    running: Running, users: list[tuple[Record, str]]
) -> None:
    chance = random.Random(7)
    received: dict[str, list[Any]] = {}
    tasks = []
    for user, token in [*users, (None, "")]:
        stream = await Stream.open(running)
        assert (await subscribe(running, stream, "posts/*", token=token)).status == 204
        tasks.append(asyncio.create_task(drain(stream, received.setdefault(user.id if user else "", []))))
    root = await running.superuser()
    records = running.app.records
    known: list[Record] = []

    async def change_a_rule() -> None:
        body = {"listRule": chance.choice(RULES)}
        answer = await running.request("PATCH", "/api/collections/posts", body, token=root)
        assert answer.status == 200, answer.body

    async def change_an_identity() -> None:
        user = chance.choice(users)[0]
        fresh = await records.get("users", user.id)
        fresh["verified"] = not fresh["verified"]
        await records.save(fresh)

    async def write() -> None:
        owner = chance.choice(users)[0].id
        status = chance.choice(["live", "draft"])
        known.append(
            await records.create("posts", {"title": "x", "owner": owner, "status": status, "internal": "secret"})
        )

    async def hand_over() -> None:
        if known:
            record = await records.get("posts", chance.choice(known).id)
            record["owner"] = chance.choice(users)[0].id
            await records.save(record)

    async def delete() -> None:
        if known:
            await records.delete(known.pop(chance.randrange(len(known))))

    actions: list[Callable[[], Awaitable[None]]] = [
        *(change_a_rule, change_an_identity, hand_over, delete),
        *([write] * 4),
    ]
    for _ in range(ROUNDS):
        await asyncio.gather(*(chance.choice(actions)() for _ in range(3)), return_exceptions=False)
    # The last change that everybody waits for.
    await running.request("PATCH", "/api/collections/posts", {"listRule": RULES[0]}, token=root)
    for user, _ in users:
        await records.create("posts", {"title": "end", "owner": user.id, "status": "live"})
    async with asyncio.timeout(10):
        while not all(any(item["record"]["title"] == "end" for item in received[user.id]) for user, _ in users):
            await asyncio.sleep(0.02)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert received[""] == [], "a guest received something"
    for user, _ in users:
        assert {item["record"]["owner"] for item in received[user.id]} == {user.id}
        assert not any("internal" in item["record"] for item in received[user.id])
    assert sum(len(items) for items in received.values()) > ROUNDS // 2, "too little was received to mean anything"


async def test_a_new_password_ends_what_the_old_token_could_see(
    running: Running, users: list[tuple[Record, str]]
) -> None:
    (user, token), (other, other_token) = users[:2]
    streams = [await Stream.open(running), await Stream.open(running)]
    await subscribe(running, streams[0], "posts/*", token=token)
    await subscribe(running, streams[1], "posts/*", token=other_token)
    user["password"] = "a-new-password"
    await running.app.records.save(user)
    await running.app.records.create("posts", {"title": "not for the old token", "owner": user.id})
    await running.app.records.create("posts", {"title": "for the other", "owner": other.id})
    assert (await streams[1].next()).data["record"]["title"] == "for the other"
    fresh = await running.app.auth.issue_token(await running.app.records.get("users", user.id))
    assert (await subscribe(running, streams[0], "posts/*", token=fresh)).status == 204
    await running.app.records.create("posts", {"title": "for the new token", "owner": user.id})
    assert (await streams[0].next()).data["record"]["title"] == "for the new token"
