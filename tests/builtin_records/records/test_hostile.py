"""Whatever a client sends, the answer is one of the documented ones and nothing inside is told."""

from __future__ import annotations

import json
import random
from typing import Any
from urllib.parse import quote

import pytest

from tests.builtin_records.records.conftest import Blog

_VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 1e308, 1e-300, 2**63, -(2**70)),
    *("", "x", "null", "\x00", "\u2028<>&", "é" * 30, "\ud800", "[1,", '["a"]', "2024-02-30"),
    *([], ["a", "a", ""], [[1]], [None, 1, {}], {}, {"a": {"b": [1, {}]}}, {"lon": "x", "lat": 91}),
]
_KEYS = [
    *("id", "title", "title+", "score", "score+", "score-", "live", "meta", "author", "tags", "tags+", "+tags"),
    *("tags-", "slug:autogenerate", "slug", "secret", "created", "expand", "collectionId"),
    *("", "x.y", ":each", "@request", "+", "-"),
]
_QUERIES = ["filter", "sort", "expand", "fields", "page", "perPage", "skipTotal"]
_TEXTS = [
    *("(", ")", "&&", "title=", "'", '"', "\\", "--", ";", "%", "\x00", "𝔘nicode", "1e99"),
    *("title ~ '%'", "id='x' || (1=1", "@now>0", "meta.a.b.c=1", "tags.name:each='a'", "comments_via_post.text?='a'"),
    *("-@random,@rowid", "*,expand.*", "title:excerpt(0)", "author.team.author.team", "geoDistance(1,2,3,4)>0"),
    *("a" * 4000, "(" * 2000, "title=1&&" * 250),
]


def assert_harmless(answer: Any) -> None:
    assert answer.status in (200, 204, 400, 403, 404), answer.body
    if answer.status >= 400:
        assert set(answer.body) == {"status", "message", "data"}
        shown = str(answer.body)
        assert not any(word in shown for word in ("SELECT", "sqlite", "Traceback", ".py", "INSERT", "near "))


@pytest.mark.parametrize("seed", range(4))
async def test_bodies(blog: Blog, seed: int) -> None:
    chance = random.Random(seed)
    post = await blog.make("posts", title="One")
    for _ in range(60):
        body = {chance.choice(_KEYS): chance.choice(_VALUES) for _ in range(chance.randint(0, 5))}
        token = chance.choice(["", blog.root])
        # Not every JSON that there is can be written by the client of the other tests.
        data, headers = json.dumps(body), {"Content-Type": "application/json", "Authorization": token}
        path = "/api/collections/posts/records"
        assert_harmless(await blog.running.request("POST", path, data=data, headers=headers))
        assert_harmless(await blog.running.request("PATCH", f"{path}/{post}", data=data, headers=headers))
    assert (await blog.get(f"posts/records/{post}")).status == 200


@pytest.mark.parametrize("seed", range(4))
async def test_queries(blog: Blog, seed: int) -> None:
    chance = random.Random(seed)
    await blog.make("posts", title="One", meta={"a": 1})
    for _ in range(120):
        pairs = [f"{chance.choice(_QUERIES)}={quote(chance.choice(_TEXTS))}" for _ in range(chance.randint(1, 3))]
        assert_harmless(await blog.get(f"posts/records?{'&'.join(pairs)}", chance.choice(["", blog.root])))


@pytest.mark.parametrize("id_", ["%00", "%27%20OR%201=1", "a" * 3000, "%F0%9F%98%80", "..%2f..%2f", "%ff"])
async def test_ids(blog: Blog, id_: str) -> None:
    for answer in (
        await blog.get(f"posts/records/{id_}"),
        await blog.patch("posts", id_, {}),
        await blog.delete("posts", id_),
    ):
        assert answer.status == 404
