"""Hooks around records: which run, in which order, and what they can do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import pytest

from pbhost import BadRequestError, ForbiddenError, Record, Skip, ValidationError, hookimpl
from pbhost.errors import FieldError
from pbhost.hooks.events import (
    BatchRequestEvent,
    RecordEnrichEvent,
    RecordEvent,
    RecordRequestEvent,
    RecordsListRequestEvent,
)
from pbhost.hooks.specs import writes
from tests.builtin_records.records.conftest import Blog, StartBlog

WRITE_HOOKS = [name for name in vars(writes) if name.startswith(("on_record_", "on_model_"))]


def recorder(log: list[str], *, is_async: bool) -> object:
    """A plugin with every hook of a write; each notes its name."""

    def make(name: str) -> Callable[..., object]:
        def plain(event: RecordEvent) -> None:
            # Model hooks also see collections being written.
            if event.collection.name == "posts" and event.record is not None:
                log.append(name)

        async def slow(event: RecordEvent) -> None:
            await asyncio.sleep(0)
            plain(event)

        function = slow if is_async else plain
        function.__name__ = name
        return hookimpl(function)

    return type("Recorder", (), {name: staticmethod(make(name)) for name in WRITE_HOOKS if "enrich" not in name})()


def steps(action: str) -> list[str]:
    """The hooks of a successful write, in order."""
    names = [action, *(["validate"] if action != "delete" else []), f"{action}_execute", f"after_{action}_success"]
    return [f"on_{family}_{name}" for name in names for family in ("record", "model")]


@pytest.mark.parametrize("is_async", [False, True])
async def test_the_order_of_all_hooks_of_a_write(start_blog: StartBlog, is_async: bool) -> None:
    log: list[str] = []
    async with start_blog(recorder(log, is_async=is_async)) as blog:
        post = await blog.make("posts", title="One")
        assert log == steps("create")
        log.clear()
        await blog.patch("posts", post, {"title": "Two"})
        assert log == steps("update")
        log.clear()
        assert (await blog.post("posts", {"title": ""})).status == 400
        assert log == [*steps("create")[:4], "on_record_after_create_error", "on_model_after_create_error"]
        log.clear()
        assert (await blog.delete("posts", post)).status == 204
        assert log == steps("delete")


async def test_a_hook_of_a_transaction_shares_it(start_blog: StartBlog) -> None:
    class Plugin:
        @hookimpl(collections=["posts"], wrapper=True)
        def on_record_create_execute(self, event: RecordEvent) -> Generator[None, None, None]:
            tags = event.app.collections.get("tags")
            assert event.connection is not None
            event.app.records.within(event.connection).save(Record(tags, {"name": f"of {event.record['title']}"}))
            yield

    async with start_blog(Plugin()) as blog:
        await blog.make("posts", title="One")
        assert (await blog.get("tags/records"))["totalItems"] == 1
        assert (await blog.post("posts", {"title": "One"})).status == 400
        assert (await blog.get("tags/records"))["totalItems"] == 1


class Refusing:
    def __init__(self, error: Exception) -> None:
        self.error = error

    @hookimpl(collections=["posts"])
    def on_record_validate(self, event: RecordEvent) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "status", "message", "data"),
    [
        (ForbiddenError("not you"), 403, "Not you.", {}),
        (BadRequestError("why"), 400, "Why.", {}),
        (
            ValidationError({"title": FieldError("bad", "is bad")}),
            400,
            "Failed to create record.",
            {"title": {"code": "bad", "message": "Is bad."}},
        ),
        (KeyError("a bug"), 500, "Something went wrong while processing your request.", {}),
    ],
)
async def test_how_a_hook_refuses(
    start_blog: StartBlog, error: Exception, status: int, message: str, data: object
) -> None:
    async with start_blog(Refusing(error)) as blog:
        answer = await blog.post("posts", {"title": "One"})
        assert (answer.status, answer["message"], answer["data"]) == (status, message, data)
        assert (await blog.get("posts/records"))["totalItems"] == 0


async def test_request_hooks_run_outside_of_the_transaction_after_the_rule(start_blog: StartBlog) -> None:
    seen: list[str] = []

    class Plugin:
        @hookimpl(collections=["posts"], wrapper=True)
        async def on_record_create_request(self, event: RecordRequestEvent) -> AsyncGenerator[None, None]:
            seen.append(f"create {event.record['title']} new={event.record.is_new}")
            event.record["title"] = "By hook"
            yield
            seen.append(f"created {event.record.id != ''} new={event.record.is_new}")

        @hookimpl(collections=["posts"])
        async def on_record_update_request(self, event: RecordRequestEvent) -> None:
            assert event.request is not None
            seen.append(f"update {event.record.original['title']} to {event.record['title']}")
            # Somebody else writes meanwhile: their change of another field must survive.
            await event.app.records.update("posts", event.record.id, {"score": 9})

        @hookimpl(collections=["posts"])
        def on_record_delete_request(self, event: RecordRequestEvent) -> None:
            seen.append("delete")

        @hookimpl(collections=["posts"])
        def on_record_view_request(self, event: RecordRequestEvent) -> None:
            event.record["title"] = "Shown"

        @hookimpl(collections=["posts"])
        def on_records_list_request(self, event: RecordsListRequestEvent) -> None:
            event.records.reverse()
            event.total_items = 77

    async with start_blog(Plugin()) as blog:
        await blog.change("posts", createRule="title = 'One'")
        assert (await blog.post("posts", {"title": "Two"})).status == 400
        made = await blog.post("posts", {"title": "One"})
        assert (made.status, made["title"]) == (200, "By hook")
        post = str(made["id"])
        changed = await blog.patch("posts", post, {"title": "Three"})
        assert (changed["title"], changed["score"]) == ("Three", 9)
        assert (await blog.get(f"posts/records/{post}"))["title"] == "Shown"
        await blog.app.records.create("posts", {"title": "z"})
        page = await blog.get("posts/records?sort=title")
        items: Any = page["items"]
        assert ([item["title"] for item in items], page["totalItems"]) == (["z", "Three"], 77)
        assert (await blog.delete("posts", post)).status == 204
    assert seen == [
        "create One new=True",
        "created True new=False",
        "update By hook to Three",
        "delete",
    ]


async def test_a_request_hook_may_answer_itself(start_blog: StartBlog) -> None:
    from aiohttp import web

    class Plugin:
        @hookimpl(collections=["posts"])
        def on_record_create_request(self, event: RecordRequestEvent) -> None:
            raise Skip(web.json_response({"mine": True}, status=202))

        @hookimpl(collections=["posts"])
        def on_record_delete_request(self, event: RecordRequestEvent) -> None:
            raise Skip()

    async with start_blog(Plugin()) as blog:
        answer = await blog.post("posts", {"title": "One"})
        assert (answer.status, answer.body) == (202, {"mine": True})
        post = (await blog.app.records.create("posts", {"title": "One"})).id
        skipped = await blog.delete("posts", post)
        assert (skipped.status, skipped.body) == (200, None)
        assert (await blog.get("posts/records"))["totalItems"] == 1


@pytest.mark.parametrize("is_async", [False, True])
async def test_enrich_hooks_see_every_record_that_is_sent(start_blog: StartBlog, is_async: bool) -> None:
    def enrich(event: RecordEnrichEvent) -> None:
        if event.collection.name == "authors":
            event.record.custom["by"] = event.context.context
        if event.collection.name == "posts":
            event.record.hide("score")
            event.record.show("secret")

    class Plain:
        @hookimpl
        def on_record_enrich(self, event: RecordEnrichEvent) -> None:
            enrich(event)

    class Slow:
        @hookimpl
        async def on_record_enrich(self, event: RecordEnrichEvent) -> None:
            await asyncio.sleep(0)
            enrich(event)

    async with start_blog(Slow() if is_async else Plain()) as blog:
        await blog.app.settings.update({"batch": {"enabled": True}})
        author = (await blog.app.records.create("authors", {"name": "Ann"})).id
        path = "/api/collections/posts/records?expand=author"
        made = await blog.running.request("POST", path, {"title": "One", "author": author})
        post = made["id"]
        listed = await blog.get("posts/records?expand=author")
        items: Any = listed["items"]
        batch = await blog.running.request(
            "POST", "/api/batch", {"requests": [{"method": "PATCH", "url": path.replace("?", f"/{post}?"), "body": {}}]}
        )
        results: Any = batch.body
        bodies: list[Any] = [
            made.body,
            (await blog.get(f"posts/records/{post}?expand=author")).body,
            items[0],
            results[0]["body"],
        ]
        for body in bodies:
            assert "score" not in body
            assert body["secret"] == ""
            assert body["expand"]["author"]["by"] == "expand"


async def test_a_value_that_a_plain_hook_sets_is_prepared_too(start_blog: StartBlog) -> None:
    class Plugin:
        @hookimpl(collections=["users"])
        def on_record_create(self, event: RecordEvent) -> None:
            event.record["password"] = "set-by-a-hook"

    async with start_blog(Plugin()) as blog:
        user = await blog.app.records.create("users", {"email": "a@example.com"})
        body = {"identity": "a@example.com", "password": "set-by-a-hook"}
        path = "/api/collections/users/auth-with-password"
        assert (await blog.running.request("POST", path, body)).status == 200
        assert not user.is_new


async def test_after_hooks_see_what_changed_and_cannot_undo_it(start_blog: StartBlog) -> None:
    seen: list[tuple[object, object]] = []

    class Plugin:
        @hookimpl(collections=["posts"])
        async def on_record_after_update_success(self, event: RecordEvent) -> None:
            seen.append((event.record.original["title"], event.record["title"]))
            raise RuntimeError("too late")

    async with start_blog(Plugin()) as blog:
        post = await blog.make("posts", title="One")
        assert (await blog.patch("posts", post, {"title": "Two"})).status == 200
        assert seen == [("One", "Two")]


async def test_hooks_of_what_a_delete_takes_along(start_blog: StartBlog) -> None:
    seen: list[str] = []

    class Plugin:
        @hookimpl
        def on_record_delete(self, event: RecordEvent) -> None:
            seen.append(f"delete {event.collection.name}")
            if event.record.get("text") == "keep":
                raise BadRequestError("kept")

        @hookimpl
        async def on_record_after_delete_success(self, event: RecordEvent) -> None:
            seen.append(f"deleted {event.collection.name}")

    async with start_blog(Plugin()) as blog:
        post = await blog.make("posts", title="One")
        await blog.make("comments", text="a", post=post)
        keep = await blog.make("comments", text="keep", post=post)
        refused = await blog.delete("posts", post)
        assert (refused.status, refused["message"]) == (400, "Kept.")
        assert (await blog.get("comments/records"))["totalItems"] == 2
        await blog.patch("comments", keep, {"text": "b"})
        seen.clear()
        assert (await blog.delete("posts", post)).status == 204
        assert sorted(seen) == sorted(
            ["delete posts", *["delete comments"] * 2, *["deleted comments"] * 2, "deleted posts"]
        )


async def test_a_batch_runs_request_hooks_and_its_own(start_blog: StartBlog) -> None:
    class Plugin:
        @hookimpl
        async def on_batch_request(self, event: BatchRequestEvent) -> None:
            event.batch[0].body = {"title": "From the batch hook"}

        @hookimpl(collections=["posts"])
        async def on_record_create_request(self, event: RecordRequestEvent) -> None:
            assert event.context.context == "batch"
            event.record["title"] = f"{event.record['title']}"[:8]

    async with start_blog(Plugin()) as blog:
        await blog.app.settings.update({"batch": {"enabled": True}})
        create = {"method": "POST", "url": "/api/collections/posts/records", "body": {}}
        answer = await blog.running.request("POST", "/api/batch", {"requests": [create]})
        results: Any = answer.body
        assert results[0]["body"]["title"] == "From the"


async def test_concurrent_writes_with_hooks_of_both_kinds_all_arrive(start_blog: StartBlog) -> None:
    class Plugin:
        @hookimpl(collections=["tags"])
        async def on_record_create(self, event: RecordEvent) -> None:
            assert event.tx is not None
            await event.tx.fetch_one("SELECT 1")

    async def make(blog: Blog, number: int) -> None:
        await blog.app.records.create("tags" if number % 2 else "teams", {"name": f"n{number}"})

    async with start_blog(Plugin()) as blog:
        await asyncio.gather(*(make(blog, number) for number in range(60)))
        assert await blog.app.records.count("tags") == await blog.app.records.count("teams") == 30
