"""Server-sent events as a client on the wire sees them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from pbhost.testing import Running

from .conftest import POSTS, Stream, subscribe, write


async def test_the_first_message_names_the_client_and_headers_forbid_buffering(running: Running) -> None:
    stream = await Stream.open(running)
    assert stream.hello == {"clientId": stream.client_id}
    assert len(stream.client_id) == 40
    headers = stream.response.headers
    assert headers["Content-Type"] == "text/event-stream"
    assert (headers["Cache-Control"], headers["X-Accel-Buffering"]) == ("no-store", "no")


async def test_changes_arrive_in_commit_order_and_only_what_the_rule_permits(running: Running) -> None:
    stream = await Stream.open(running)
    assert (await subscribe(running, stream, "posts/*")).status == 204
    await write(running, "one", internal="for us")
    await write(running, "hidden", status="draft")
    for index in range(20):
        await write(running, f"more {index}")
    seen = await stream.until("more 19")
    assert [item["record"]["title"] for item in seen] == ["one", *(f"more {index}" for index in range(20))]
    assert {item["action"] for item in seen} == {"create"}
    assert "internal" not in seen[0]["record"]


async def test_a_superuser_sees_everything_with_hidden_fields(running: Running) -> None:
    stream = await Stream.open(running)
    await subscribe(running, stream, "posts/*", token=await running.superuser())
    await write(running, "draft", status="draft", internal="for us")
    assert (await stream.next()).data["record"]["internal"] == "for us"


async def test_each_matching_subscription_gets_a_message_of_its_own_name(running: Running) -> None:
    post = await write(running, "one", status="draft")
    stream = await Stream.open(running)
    one, options = f"posts/{post['id']}", "posts/*?options=" + json.dumps({"query": {"fields": "title"}})
    await subscribe(running, stream, one, options)
    token = await running.superuser()
    await running.request("PATCH", f"{POSTS}/{post['id']}", {"title": "two"}, token=token)
    first = await stream.next()
    assert (first.name, first.data["record"]["title"]) == (one, "two")
    await running.request("PATCH", f"{POSTS}/{post['id']}", {"status": "live"}, token=token)
    both = sorted([await stream.next(), await stream.next()], key=lambda event: event.name)
    assert [event.name for event in both] == sorted([options, one])
    assert next(event.data for event in both if event.name == options) == {
        "record": {"title": "two"},
        "action": "update",
    }


@pytest.mark.parametrize(
    ("filter", "expected"),
    [("title = 'wanted'", ["wanted"]), ("nope = 1", []), ("internal = 'x'", []), ("@request.auth.id = ''", [])],
)
async def test_a_subscription_filter_narrows_and_a_bad_one_stays_silent(
    running: Running, filter: str, expected: list[str]
) -> None:
    stream = await Stream.open(running)
    await subscribe(running, stream, "posts/*?options=" + json.dumps({"query": {"filter": filter}}), "posts")
    await write(running, "other")
    await write(running, "wanted")
    await write(running, "end")
    named = []
    while True:
        event = await stream.next()
        if event.name != "posts":
            named.append(event.data["record"]["title"])
        elif event.data["record"]["title"] == "end":
            break
    assert named == expected


async def test_a_delete_carries_the_last_state_and_follows_the_rule_it_had(running: Running) -> None:
    live, draft = await write(running, "live one"), await write(running, "draft one", status="draft")
    stream = await Stream.open(running)
    await subscribe(running, stream, "posts/*")
    token = await running.superuser()
    for post in (draft, live):
        await running.request("DELETE", f"{POSTS}/{post['id']}", token=token)
    event = await stream.next()
    assert (event.data["action"], event.data["record"]["title"]) == ("delete", "live one")


async def test_a_write_that_is_rolled_back_is_never_announced(running: Running) -> None:
    stream = await Stream.open(running)
    await subscribe(running, stream, "posts/*")

    async def change_of_mind() -> None:
        async with running.app.transaction() as tx:
            await running.app.records.create("posts", {"title": "never", "status": "live"}, tx=tx)
            raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        await change_of_mind()
    await write(running, "after")
    assert (await stream.next()).data["record"]["title"] == "after"


async def test_a_changed_password_turns_the_connection_into_a_guest(running: Running) -> None:
    users = "/api/collections/posts"
    await running.request("PATCH", users, {"listRule": "@request.auth.id != ''"}, token=await running.superuser())
    user, token = await running.user()
    stream = await Stream.open(running)
    await subscribe(running, stream, "posts/*", "posts/any", token=token)
    await write(running, "seen")
    assert (await stream.next()).data["record"]["title"] == "seen"
    user["password"] = "another-password"
    await running.app.records.save(user)
    await write(running, "not seen")
    assert running.app.realtime.client(stream.client_id).auth is None  # type: ignore[union-attr]
    assert (await subscribe(running, stream, "posts/*", token=token)).status == 204, "the dead token is a guest's"


REFUSALS = [
    ({"clientId": "", "subscriptions": []}, 400, "clientId", "validation_required"),
    ({"clientId": "x" * 256}, 400, "clientId", "validation_length_out_of_range"),
    ({"clientId": "x", "subscriptions": ["a"] * 1001}, 400, "subscriptions", "validation_length_too_long"),
    ({"clientId": "x", "subscriptions": ["a" * 2501]}, 400, "subscriptions.0", "validation_length_too_long"),
]


@pytest.mark.parametrize(("body", "status", "key", "code"), REFUSALS)
async def test_what_a_subscription_form_refuses(
    running: Running, body: dict[str, object], status: int, key: str, code: str
) -> None:
    answer = await running.request("POST", "/api/realtime", body)
    assert answer.status == status
    found: Any = answer["data"]
    for part in key.split("."):
        found = found[part]
    assert found["code"] == code


async def test_an_unknown_client_and_another_identity_are_refused(running: Running) -> None:
    unknown = await running.request("POST", "/api/realtime", {"clientId": "nobody", "subscriptions": []})
    assert (unknown.status, unknown["message"]) == (404, "Missing or invalid client id.")
    stream = await Stream.open(running)
    _, ann = await running.user("ann@example.com")
    _, bob = await running.user("bob@example.com")
    assert (await subscribe(running, stream, "a", token=ann)).status == 204
    assert (await subscribe(running, stream, "a", token=bob)).status == 403
    assert (await subscribe(running, stream, "a")).status == 403


async def test_a_custom_message_reaches_exactly_its_subscribers(running: Running) -> None:
    stream, other = await Stream.open(running), await Stream.open(running)
    await subscribe(running, stream, "news")
    await subscribe(running, other, "news2")
    assert await running.app.realtime.send("news", {"n": 1}) == 1
    event = await stream.next()
    assert (event.name, event.data) == ("news", {"n": 1})


async def test_one_evaluation_serves_every_subscriber_of_a_rule_that_names_nobody(running: Running) -> None:
    streams = [await Stream.open(running) for _ in range(25)]
    for stream in streams:
        await subscribe(running, stream, "posts/*")
    fanout = running.app.realtime.fanout  # type: ignore[attr-defined]
    before = (fanout.evaluations, fanout.encodings)
    await write(running, "once")
    for stream in streams:
        await stream.next()
    assert (fanout.evaluations - before[0], fanout.encodings - before[1]) == (1, 1)


async def test_a_stream_that_is_closed_is_forgotten(running: Running) -> None:
    stream = await Stream.open(running)
    stream.response.close()
    async with asyncio.timeout(5):
        while running.app.realtime.clients():
            await asyncio.sleep(0.05)
    assert (await subscribe(running, stream, "posts/*")).status == 404


async def test_a_cascade_is_announced_to_those_whom_the_deleted_parent_let_see_it(running: Running) -> None:
    token = await running.superuser()
    posts = (await running.request("GET", "/api/collections/posts", token=token))["id"]
    relation = {"name": "post", "type": "relation", "collectionId": posts, "maxSelect": 1, "cascadeDelete": True}
    body = {"name": "comments", "fields": [relation, {"name": "title", "type": "text"}]}
    rule = {"listRule": "post.status = 'live' && post.owner = @request.auth.id"}
    made = await running.request("POST", "/api/collections", {**body, **rule}, token=token)
    assert made.status == 200, made.body
    user, user_token = await running.user()
    seen = await Stream.open(running)
    unseen = await Stream.open(running)
    await subscribe(running, seen, "comments/*", token=user_token)
    await subscribe(running, unseen, "comments/*", "posts/*")

    mine = await write(running, "mine", owner=user.id)
    other = await write(running, "other", owner="somebody else")
    for post in (mine, other):
        for index in range(3):
            await running.app.records.create("comments", {"post": post["id"], "title": f"{post['title']} {index}"})
    for _ in range(3):
        await seen.next()
    for _ in range(2):
        assert (await unseen.next()).name == "posts/*"
    for post in (other, mine):
        await running.request("DELETE", f"{POSTS}/{post['id']}", token=token)
    deleted = [(await seen.next()).data for _ in range(3)]
    assert {item["action"] for item in deleted} == {"delete"}
    assert sorted(item["record"]["title"] for item in deleted) == ["mine 0", "mine 1", "mine 2"]
    assert [(await unseen.next()).data["record"]["title"] for _ in range(2)] == ["other", "mine"]
