"""Lists that find nothing under a rule, again and again: the answers take a random time."""

from __future__ import annotations

import pytest
from builtin_records.api import guesses

from tests.builtin_records.records.conftest import Blog

EMPTY = "filter=title='nothing'"


@pytest.fixture
async def delays(blog: Blog, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The delays so far, which are not waited for; posts have a list rule."""
    found: list[float] = []

    async def sleep(seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr(guesses, "sleep", sleep)
    # No time passes, however slow the machine is.
    monkeypatch.setattr(guesses, "monotonic", lambda: 1000.0)
    await blog.change("posts", listRule="title != 'secret'")
    await blog.make("posts", title="secret")
    await blog.make("posts", title="public")
    return found


async def ask(blog: Blog, query: str, times: int, token: str = "", collection: str = "posts") -> None:
    for _ in range(times):
        assert (await blog.get(f"{collection}/records?{query}", token)).status == 200


async def test_the_fourth_empty_answer_is_late(blog: Blog, delays: list[float]) -> None:
    await ask(blog, EMPTY, 3)
    assert delays == []
    await ask(blog, "filter=title='secret'", 2)
    assert len(delays) == 2
    assert all(0 <= delay <= 0.5 for delay in delays)
    await ask(blog, "filter=title='public'", 1)
    assert len(delays) == 2, "an answer with records is in time"


async def test_others_are_in_time(blog: Blog, delays: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    await ask(blog, EMPTY, 9, blog.root)
    await ask(blog, "page=7", 9)
    await blog.change("comments", listRule="")
    await ask(blog, "filter=text='nothing'", 9, collection="comments")
    assert delays == [], "superusers, lists without a filter, public collections"
    await ask(blog, EMPTY, 3)
    monkeypatch.setattr(guesses, "monotonic", lambda: 1003.1)
    await ask(blog, EMPTY, 3)
    assert delays == [], "three in three seconds are free"
