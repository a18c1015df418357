"""``app.records``: what plugin authors use."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from pbhost import BadRequestError, ForbiddenError, NotFoundError, Record, RequestContext, ValidationError
from pbhost.database import Connection, Transaction
from tests.builtin_records.records.conftest import Blog


async def test_find_filter_sort_and_count(blog: Blog) -> None:
    records = blog.app.records
    author = await records.create("authors", {"name": "Ann"})
    for score in range(5):
        await records.create("posts", {"title": f"p{score}", "score": score, "author": author.id})
    values = {"low": 1, "who": author}
    found = await records.find_many("posts", "score > {:low} && author = {:who}", values, sort="-score")
    assert [record["title"] for record in found] == ["p4", "p3", "p2"]
    last = await records.find_many("posts", sort="score", limit=2, offset=3)
    assert [record["score"] for record in last] == [3, 4]
    assert await records.count("posts", "score < {:n}", {"n": 2}) == 2
    assert await records.count("posts", "created > {:now}", {"now": datetime.now(UTC)}) == 0
    first = await records.find_first("posts", "title ~ {:text}", {"text": "p"}, sort="score", expand="author")
    assert first is not None
    assert first.expand is not None
    expanded = first.expand["author"]
    assert isinstance(expanded, Record)
    assert expanded["name"] == "Ann"
    assert await records.find_first("posts", "title = 'nope'") is None


async def test_values_are_bound_never_parsed(blog: Blog) -> None:
    await blog.app.records.create("tags", {"name": "a' || 1=1 || '"})
    await blog.app.records.create("tags", {"name": "b"})
    found = await blog.app.records.find_many("tags", "name = {:name}", {"name": "a' || 1=1 || '"})
    assert len(found) == 1


async def test_mistakes_of_code_are_told(blog: Blog) -> None:
    records = blog.app.records
    with pytest.raises(BadRequestError, match="Invalid filter or sort"):
        await records.find_many("posts", "nope = 1")
    with pytest.raises(NotFoundError):
        await records.find_many("nope")
    with pytest.raises(NotFoundError):
        await records.get("posts", "nope")
    assert await records.find("posts", "nope") is None
    with pytest.raises(ValidationError) as refused:
        await records.create("posts", {"title": ""})
    assert "title" in refused.value.data
    with pytest.raises(KeyError):
        await records.create("posts", {"nope": 1})


async def test_update_save_and_delete(blog: Blog) -> None:
    records = blog.app.records
    post = await records.create("posts", {"title": "One", "score": 1})
    assert (await records.update("posts", post.id, {"score+": 4}))["score"] == 5
    post["title"] = "Two"
    await records.save(post)
    stored = await records.get("posts", post.id)
    # What was changed is saved; the score is what another has written meanwhile.
    assert (stored["title"], stored["score"]) == ("Two", 5)
    await records.save(Record(post.collection, {}), validate=False)
    await records.delete(post)
    with pytest.raises(NotFoundError):
        await records.delete(post)
    with pytest.raises(NotFoundError):
        await records.save(stored)


async def test_as_a_caller_the_rules_apply(blog: Blog) -> None:
    records, guest = blog.app.records, RequestContext()
    post = await records.create("posts", {"title": "One", "secret": "s"})
    await blog.change("posts", viewRule="score > 0", listRule=None, createRule="score > 0", updateRule=None)
    assert await records.find("posts", post.id, as_=guest) is None
    with pytest.raises(ForbiddenError):
        await records.find_many("posts", as_=guest)
    with pytest.raises(BadRequestError):
        await records.create("posts", {"title": "Two"}, as_=guest)
    with pytest.raises(ForbiddenError):
        await records.update("posts", post.id, {"title": "x"}, as_=guest)
    made = await records.create("posts", {"title": "Two", "score": 1, "secret": "dropped"}, as_=guest)
    assert (await records.get("posts", made.id))["secret"] == ""


async def test_several_writes_in_one_transaction(blog: Blog) -> None:
    app = blog.app
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the block is what is rolled back
        async with app.transaction() as tx:
            await app.records.create("tags", {"name": "a"}, tx=tx)
            assert await app.records.count("tags", tx=tx) == 1
            raise ZeroDivisionError
    assert await app.records.count("tags") == 0
    async with app.transaction() as tx:
        tag = await app.records.create("tags", {"name": "a"}, tx=tx)
        with pytest.raises(ValidationError):
            await app.records.create("tags", {"name": ""}, tx=tx)
        await app.records.update("tags", tag.id, {"name": "b"}, tx=tx)
    assert (await app.records.get("tags", tag.id))["name"] == "b"


async def test_iterate_gives_everything_once_while_rows_come_and_go(blog: Blog) -> None:
    for number in range(25):
        await blog.app.records.create("tags", {"name": f"{number:02}"})
    seen: list[object] = []
    async for tag in blog.app.records.iterate("tags", "name < {:end}", {"end": "20"}, batch=7):
        seen.append(tag["name"])
        await blog.app.records.delete(tag)
    assert sorted(seen, key=str) == [f"{number:02}" for number in range(20)]
    assert [tag["name"] async for tag in blog.app.records.iterate("tags", sort="-name", batch=2)] == [
        "24", "23", "22", "21", "20",
    ]  # fmt: skip


async def test_the_synchronous_face(blog: Blog) -> None:
    records = blog.app.records
    tags = blog.app.collections.get("tags")

    def write(tx: Transaction) -> list[str]:
        within = records.within(tx)
        tag = within.save(Record(tags, {"name": "a"}))
        with pytest.raises(ValidationError):
            within.save(Record(tags, {"name": ""}))
        assert within.satisfies(tag, "name = 'a'", RequestContext())
        within.delete(within.save(Record(tags, {"name": "b"})))
        return [record.id for record in within.find_many("tags")]

    ids = await blog.app.db.write(write)
    assert await records.satisfying(tags, [*ids, "nope"], "name = 'a'", RequestContext()) == set(ids)
    assert await records.satisfying(tags, ids, None, RequestContext()) == set()

    def read(connection: Connection) -> bool:
        within = records.within(connection)
        with pytest.raises(RuntimeError, match="only reads"):
            within.save(Record(tags, {"name": "c"}))
        gone = Record(tags, {"name": "gone"})
        return within.would_satisfy(gone, "name = 'gone'", RequestContext()) and within.count("tags") == 1

    assert await blog.app.db.read(read)


async def test_enrich_prepares_records_for_a_caller(blog: Blog) -> None:
    author = await blog.app.records.create("authors", {"name": "Ann", "note": "n"})
    post = await blog.app.records.create("posts", {"title": "One", "author": author.id, "secret": "s"})
    await blog.app.records.enrich([post], RequestContext(), expand="author")
    shown = post.to_json()
    assert "secret" not in shown
    expand = shown["expand"]
    assert isinstance(expand, dict)
    assert "note" not in expand["author"]


async def test_create_through_the_api(blog: Blog) -> None:
    posts = blog.app.collections.get("posts")
    made = await blog.app.records.create_through_api(posts, {"title": "One", "secret": "x"}, RequestContext())
    assert (made["title"], made["secret"], made.is_new) == ("One", "", False)
    await blog.change("posts", createRule=None)
    with pytest.raises(ForbiddenError):
        await blog.app.records.create_through_api(blog.app.collections.get("posts"), {"title": "Two"}, RequestContext())


async def test_what_rule_cannot_be_compiled(blog: Blog) -> None:
    posts = blog.app.collections.get("posts")
    assert blog.app.records.rule_error(posts, "title = 1") is None
    assert "nope" in (blog.app.records.rule_error(posts, "nope = 1") or "")


async def test_concurrent_increments_of_different_records_are_grouped_and_all_arrive(blog: Blog) -> None:
    made = await asyncio.gather(*(blog.app.records.create("posts", {"title": f"p{n}"}) for n in range(100)))
    await asyncio.gather(*(blog.app.records.update("posts", post.id, {"score+": n}) for n, post in enumerate(made)))
    scores = [record["score"] for record in await blog.app.records.find_many("posts", sort="score")]
    assert scores == list(range(100))


async def test_the_words_of_a_client_are_restricted_where_code_says_so(blog: Blog) -> None:
    records, guest = blog.app.records, RequestContext()
    await records.create("posts", {"title": "One", "score": 1, "secret": "x"})
    await blog.change("posts", listRule="score > 0")
    assert len(await records.find_many("posts", "secret = 'x'", as_=guest)) == 1
    for words in ({"filter": "secret = 'x'"}, {"sort": "secret"}, {"filter": "@collection.posts.title = 'One'"}):
        for ask in (
            records.find_many("posts", as_=guest, restricted=True, **words),
            anext(records.iterate("posts", as_=guest, restricted=True, **words)),
        ):
            with pytest.raises((BadRequestError, ForbiddenError)) as refused:
                await ask
            assert "secret" not in refused.value.message
    with pytest.raises(BadRequestError):
        await records.count("posts", "secret = 'x'", as_=guest, restricted=True)
    assert await records.count("posts", "title = 'One'", as_=guest, restricted=True) == 1
    assert [post["title"] async for post in records.iterate("posts", sort="title", as_=guest, restricted=True)] == [
        "One"
    ]
    with pytest.raises(ValueError, match="as_"):
        await records.find_many("posts", restricted=True)
