"""Two plugins by different authors on the same hooks: the documented order, no interference, the failing one named."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from pbhost import BadRequestError, Skip, hookimpl
from pbhost.hooks.events import RecordEvent
from pbhost.testing import Running, running_app

POSTS = "/api/collections/posts/records"


class Author:
    """One author's plugin: a wrapper, an async function, and what it stores about each post."""

    def __init__(self, name: str, seen: list[str]) -> None:
        self.NAME = name
        self.seen = seen
        self.failure: BaseException | None = None

    @hookimpl(wrapper=True, collections=["posts"])
    def on_record_create(self, event: RecordEvent) -> Iterator[None]:
        self.seen.append(f"{self.NAME} wraps")
        try:
            yield
        finally:
            self.seen.append(f"{self.NAME} unwraps")

    @hookimpl(collections=["posts"])
    async def on_record_create_execute(self, event: RecordEvent) -> None:
        assert event.tx is not None
        await event.app.records.create("notes", {"text": self.NAME}, tx=event.tx)
        self.seen.append(f"{self.NAME} notes")
        if self.failure is not None:
            raise self.failure

    @hookimpl(collections=["posts"])
    async def on_record_after_create_success(self, event: RecordEvent) -> None:
        self.seen.append(f"{self.NAME} after")
        if event.record["title"] == "fails after":
            raise RuntimeError(f"{self.NAME} failed after the commit")


class Late(Author):
    """The same author's plugin, which wants to be last."""

    @hookimpl(trylast=True, collections=["posts"])
    async def on_record_create_execute(self, event: RecordEvent) -> None:
        self.seen.append(f"{self.NAME} notes")


@pytest.fixture
def seen() -> list[str]:
    return []


@pytest.fixture
def authors(seen: list[str]) -> tuple[Author, Author]:
    return Author("first", seen), Author("second", seen)


@pytest.fixture
async def running(tmp_path: Path, authors: tuple[Author, Author], seen: list[str]) -> AsyncIterator[Running]:
    async with running_app(tmp_path, *authors, Late("last", seen)) as running:
        token = await running.superuser()
        for name, field in (("posts", "title"), ("notes", "text")):
            body = {"name": name, "fields": [{"name": field, "type": "text"}]}
            assert (await running.request("POST", "/api/collections", body, token=token)).status == 200
        yield running


async def write(running: Running, title: str = "x") -> int:
    return (await running.request("POST", POSTS, {"title": title}, token=await running.superuser())).status


async def notes(running: Running) -> list[Any]:
    return [record["text"] for record in await running.app.records.find_many("notes", sort="text")]


async def failures(running: Running) -> dict[str, Any]:
    listed = running.app.plugins.describe(running.app.hooks)
    return {str(plugin["name"]): plugin["lastFailure"] for plugin in listed if plugin["failures"]}


async def test_a_later_plugin_is_outside_and_runs_first(running: Running, seen: list[str]) -> None:
    assert await write(running) == 200
    assert seen == [
        "last wraps",
        "second wraps",
        "first wraps",
        "second notes",
        "first notes",
        "last notes",  # trylast: after all others, although it was loaded last
        "first unwraps",
        "second unwraps",
        "last unwraps",
        "last after",
        "second after",
        "first after",
    ]
    assert await notes(running) == ["first", "second"]


async def test_one_that_fails_is_named_and_takes_back_what_all_wrote(
    running: Running, authors: tuple[Author, Author], seen: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    first, _ = authors
    first.failure = RuntimeError("my own fault")
    assert await write(running) == 500
    assert await running.app.records.count("posts") == 0
    assert await notes(running) == [], "what the other one wrote in this transaction is gone as well"
    assert "second unwraps" in seen, "the other one is told"
    assert "plugin 'first' failed in on_record_create_execute" in caplog.text
    assert "my own fault" in caplog.text
    found = await failures(running)
    assert list(found) == ["first"], "and nobody else is blamed"
    assert found["first"]["error"] == "RuntimeError: my own fault"
    first.failure = None
    assert await write(running) == 200, "the server lives on"
    assert await notes(running) == ["first", "second"]


@pytest.mark.parametrize(
    ("outcome", "status"), [(BadRequestError("Not by my rules."), 400), (Skip(), 200)], ids=["refuses", "skips"]
)
async def test_one_that_refuses_or_skips_is_no_failure(
    running: Running, authors: tuple[Author, Author], seen: list[str], outcome: BaseException, status: int
) -> None:
    _, second = authors
    second.failure = outcome
    assert await write(running) == status
    assert "first notes" not in seen, "those behind it are not asked"
    assert {"first unwraps", "last unwraps"} <= set(seen), "those around it are told"
    assert await failures(running) == {}


async def test_after_the_commit_each_runs_whatever_the_others_do(
    running: Running, seen: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert await write(running, "fails after") == 200
    assert [entry for entry in seen if entry.endswith("after")] == ["last after", "second after", "first after"]
    assert set(await failures(running)) == {"first", "second", "last"}
    for name in ("first", "second", "last"):
        assert f"{name} failed after the commit" in caplog.text


async def test_without_the_failing_one_everything_goes_on(tmp_path: Path, seen: list[str]) -> None:
    """``pbhost plugin disable`` and a restart: the same directory, without that plugin."""
    broken = Author("broken", seen)
    broken.failure = RuntimeError("always")
    for plugins, status in (((Author("fine", seen), broken), 500), ((Author("fine", seen),), 200)):
        async with running_app(tmp_path, *plugins) as running:
            token = await running.superuser()
            for name, field in (("posts", "title"), ("notes", "text")):
                body = {"name": name, "fields": [{"name": field, "type": "text"}]}
                await running.request("POST", "/api/collections", body, token=token)
            assert await write(running) == status
            assert await notes(running) == (["fine"] if status == 200 else [])
