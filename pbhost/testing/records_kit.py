"""What every records service must do: subclass :class:`RecordsKit` in a test module and give it a ``running`` server.

::

    class TestMyRecords(RecordsKit):
        @pytest.fixture
        async def running(self, tmp_path):
            async with running_app(tmp_path, my_plugin) as running:
                yield running
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Coroutine, Mapping
from typing import TypeVar

import pytest

from pbhost.database import Connection, Transaction
from pbhost.errors import ApiError, BadRequestError, NotFoundError, ValidationError
from pbhost.model import Record, RequestContext
from pbhost.testing.running import Running

T = TypeVar("T")
#: A value that would be something else if it ever became part of a text.
HOSTILE = "'; DROP TABLE posts; -- \" || {:x} %_\\"


async def schema(running: Running) -> None:
    """``posts`` with rules, and ``comments`` that point to them."""
    collections = running.app.collections
    posts = await collections.save(
        collections.new(
            name="posts",
            fields=[
                {"type": "text", "name": "title", "required": True, "max": 50},
                {"type": "number", "name": "votes"},
                {"type": "bool", "name": "open"},
                {"type": "text", "name": "secret", "hidden": True},
                {"type": "select", "name": "tags", "values": ["a", "b", "c"], "maxSelect": 3},
            ],
            list_rule="open = true",
            view_rule="open = true",
            create_rule="@request.auth.id != ''",
            update_rule="open = true",
            delete_rule=None,
            indexes=["CREATE UNIQUE INDEX `idx_kit_posts` ON `posts` (`title`)"],
        )
    )
    relation = {"type": "relation", "name": "post", "collectionId": posts.id, "cascadeDelete": True}
    await collections.save(
        collections.new(
            name="comments", fields=[{"type": "text", "name": "text"}, relation], list_rule="", view_rule=""
        )
    )


async def fill(running: Running, *titles: str, **values: object) -> list[Record]:
    """Stores posts of these titles."""
    return [await running.app.records.create("posts", {"title": title, **values}) for title in titles]


async def elsewhere(work: Coroutine[object, object, T]) -> T:
    """Awaits something as another request would: it takes no part in the transaction of whoever calls this."""
    return await asyncio.create_task(work, context=contextvars.Context())


def titles(records: list[Record]) -> list[object]:
    """The titles of posts."""
    return [record["title"] for record in records]


class RecordsKit:
    """The tests that any provider of ``provide_records`` must pass."""

    @pytest.fixture(autouse=True)
    async def _schema(self, running: Running) -> None:
        await schema(running)

    # -- reading and writing -----------------------------------------------------------------------------------------

    async def test_what_was_created_is_found(self, running: Running) -> None:
        records = running.app.records
        made = await records.create("posts", {"title": "hello", "votes": 3, "open": True, "tags": ["b", "a"]})
        for collection in ("posts", "POSTS", made.collection.id, made.collection):
            found = await records.get(collection, made.id)
            assert (found["title"], found["votes"], found["open"], found["tags"]) == ("hello", 3, True, ["b", "a"])
        assert not made.is_new
        assert await records.find("posts", "nowhere") is None
        with pytest.raises(NotFoundError):
            await records.get("posts", "nowhere")

    async def test_a_change_keeps_what_it_does_not_name(self, running: Running) -> None:
        [made] = await fill(running, "hello", votes=3, tags=["a"])
        await running.app.records.update("posts", made.id, {"votes+": 2, "tags+": "b"})
        found = await running.app.records.get("posts", made.id)
        assert (found["title"], found["votes"], found["tags"]) == ("hello", 5, ["a", "b"])
        with pytest.raises(NotFoundError):
            await running.app.records.update("posts", "nowhere", {"votes": 1})

    async def test_a_record_object_is_saved(self, running: Running) -> None:
        made = await running.app.records.save(Record(running.app.collections.get("posts"), {"title": "hello"}))
        made["title"] = "bye"
        await running.app.records.save(made)
        assert titles(await running.app.records.find_many("posts")) == ["bye"]
        assert not made.changed("title")

    async def test_a_deleted_record_is_gone_with_what_cascades(self, running: Running) -> None:
        [made, other] = await fill(running, "hello", "other")
        await running.app.records.create("comments", {"text": "goes", "post": made.id})
        await running.app.records.create("comments", {"text": "stays", "post": other.id})
        await running.app.records.delete(made)
        assert await running.app.records.find("posts", made.id) is None
        assert [record["text"] for record in await running.app.records.find_many("comments")] == ["stays"]

    async def test_a_required_reference_blocks_a_delete(self, running: Running) -> None:
        [made] = await fill(running, "hello")
        relation = {"type": "relation", "name": "post", "collectionId": made.collection.id, "required": True}
        await running.app.collections.save(running.app.collections.new(name="needs", fields=[relation]))
        await running.app.records.create("needs", {"post": made.id})
        with pytest.raises(BadRequestError):
            await running.app.records.delete(made)
        assert await running.app.records.find("posts", made.id) is not None

    @pytest.mark.parametrize(
        ("values", "field"),
        [({"title": ""}, "title"), ({"title": "x" * 51}, "title"), ({"title": "taken"}, "title")],
        ids=["required", "too long", "not unique"],
    )
    async def test_what_is_not_acceptable_is_an_error_of_its_field(
        self, running: Running, values: Mapping[str, object], field: str
    ) -> None:
        await fill(running, "taken")
        with pytest.raises(ValidationError) as refused:
            await running.app.records.create("posts", values)
        assert field in refused.value.to_json()["data"]  # type: ignore[operator]  # a dictionary, by its form
        assert await running.app.records.count("posts") == 1

    async def test_writes_at_once_do_not_lose_each_other(self, running: Running) -> None:
        await asyncio.gather(*(fill(running, f"post {number}") for number in range(20)))
        assert await running.app.records.count("posts") == 20
        results = await asyncio.gather(
            *(fill(running, title) for title in ("same", "same", "other")), return_exceptions=True
        )
        assert [isinstance(result, ValidationError) for result in results].count(True) == 1
        assert await running.app.records.count("posts") == 22

    async def test_committed_changes_are_in_the_feed(self, running: Running) -> None:
        _, before = await running.app.db.last_change()
        [made] = await fill(running, "hello")
        await running.app.records.update("posts", made.id, {"votes": 1})
        with pytest.raises(ValidationError):
            await running.app.records.update("posts", made.id, {"title": ""})
        await running.app.records.delete(made)
        changes = [change for change in await running.app.db.changes(before) if change.record_id == made.id]
        assert [change.action for change in changes] == ["create", "update", "delete"]

    # -- finding -----------------------------------------------------------------------------------------------------

    async def test_filters_sorts_and_pages(self, running: Running) -> None:
        for number in range(6):
            await fill(running, f"p{number}", votes=number % 3, open=number > 0)
        records = running.app.records
        found = await records.find_many("posts", "votes >= {:v} && open = true", {"v": 1}, sort="-votes,title")
        assert titles(found) == ["p2", "p5", "p1", "p4"]
        page = await records.find_many("posts", sort="title", limit=2, offset=3)
        assert titles(page) == ["p3", "p4"]
        assert await records.count("posts", "votes = {:v}", {"v": 2}) == 2
        first = await records.find_first("posts", "open = true", sort="-title")
        assert first is not None
        assert first["title"] == "p5"
        assert await records.find_first("posts", "title = 'nowhere'") is None

    async def test_values_are_bound_and_never_part_of_the_text(self, running: Running) -> None:
        await fill(running, HOSTILE, "other")
        found = await running.app.records.find_many("posts", "title = {:t}", {"t": HOSTILE})
        assert titles(found) == [HOSTILE]
        assert await running.app.records.count("posts", "title = {:t}", {"t": "' || title || '"}) == 0

    @pytest.mark.parametrize("filter", ["title =", "no_such_field = 1", "title = {:missing", "(((", "title ~~ 'x'"])
    async def test_a_filter_that_is_none_is_refused(self, running: Running, filter: str) -> None:
        with pytest.raises(BadRequestError):
            await running.app.records.find_many("posts", filter)

    async def test_iterating_gives_each_match_once_whatever_is_deleted_meanwhile(self, running: Running) -> None:
        await fill(running, *(f"p{number:02}" for number in range(12)))
        seen: list[object] = []
        async for record in running.app.records.iterate("posts", sort="title", batch=3):
            seen.append(record["title"])
            await running.app.records.delete(record)
        assert seen == [f"p{number:02}" for number in range(12)]

    async def test_relations_are_expanded(self, running: Running) -> None:
        [made] = await fill(running, "hello")
        comment = await running.app.records.create("comments", {"text": "x", "post": made.id})
        found = await running.app.records.get("comments", comment.id, expand="post")
        assert found.expand is not None
        target = found.expand["post"]
        assert isinstance(target, Record)
        assert target.id == made.id
        back = await running.app.records.get("posts", made.id, expand="comments_via_post")
        assert back.expand is not None
        listed = back.expand["comments_via_post"]
        assert isinstance(listed, list)
        assert [item.id for item in listed] == [comment.id]

    # -- transactions ------------------------------------------------------------------------------------------------

    async def test_a_transaction_is_undone_as_a_whole(self, running: Running) -> None:
        records = running.app.records

        async def undone() -> None:
            async with running.app.transaction() as tx:
                made = await records.create("posts", {"title": "inside"}, tx=tx)
                assert await records.find("posts", made.id, tx=tx) is not None
                assert await records.count("posts", tx=tx) == 1
                assert await elsewhere(records.find("posts", made.id)) is None, "nobody sees it before the commit"
                raise RuntimeError("changed my mind")

        with pytest.raises(RuntimeError, match="changed my mind"):
            await undone()
        assert await records.count("posts") == 0
        async with running.app.transaction() as tx:
            await records.create("posts", {"title": "kept"}, tx=tx)
            with pytest.raises(ValidationError):
                await records.create("posts", {"title": "kept"}, tx=tx)
        assert titles(await records.find_many("posts")) == ["kept"]

    async def test_within_a_database_thread_the_same_rules_hold(self, running: Running) -> None:
        records = running.app.records

        def write(transaction: Transaction) -> str:
            within = records.within(transaction)
            made = within.save(Record(running.app.collections.get("posts"), {"title": "hello", "votes": 2}))
            assert within.count("posts", "votes = {:v}", {"v": 2}) == 1
            with pytest.raises(ValidationError):
                within.save(Record(made.collection, {"title": ""}))
            doomed = within.save(Record(made.collection, {"title": "doomed"}))
            within.delete(doomed)
            assert within.find("posts", doomed.id) is None
            return made.id

        id_ = await running.app.db.write(write, exclusive=True)

        def read(connection: Connection) -> list[object]:
            within = records.within(connection)
            first = within.find_first("posts", "title = {:t}", {"t": "hello"})
            assert first is not None
            return [first.id, *titles(within.find_many("posts", sort="title", limit=5))]

        assert await running.app.db.read(read) == [id_, "hello"]

    # -- rules -------------------------------------------------------------------------------------------------------

    async def test_the_rules_of_a_request_are_applied_when_asked(self, running: Running) -> None:
        records = running.app.records
        [shown] = await fill(running, "shown", open=True)
        [hidden] = await fill(running, "hidden")
        guest = RequestContext()
        assert titles(await records.find_many("posts", as_=guest)) == ["shown"]
        assert await records.count("posts", as_=guest) == 1
        assert await records.find("posts", hidden.id, as_=guest) is None
        assert len(await records.find_many("posts")) == 2, "code on its own behalf sees everything"
        with pytest.raises(ApiError):
            await records.create("posts", {"title": "by a guest"}, as_=guest)
        with pytest.raises(ApiError):
            await records.update("posts", hidden.id, {"votes": 1}, as_=guest)
        assert (await records.update("posts", shown.id, {"votes": 1}, as_=guest))["votes"] == 1
        user, _ = await running.user()
        assert (await records.create("posts", {"title": "by a user"}, as_=RequestContext(auth=user))).id

    async def test_whether_a_record_satisfies_a_rule(self, running: Running) -> None:
        records = running.app.records
        [shown, hidden] = [*await fill(running, "shown", open=True), *await fill(running, "hidden")]
        user, _ = await running.user()
        guest, known = RequestContext(), RequestContext(auth=user)
        assert await records.satisfies(shown, "open = true", guest)
        assert not await records.satisfies(hidden, "open = true", guest)
        assert not await records.satisfies(shown, "open = true", guest, filter="title = 'hidden'")
        assert await records.satisfies(hidden, "@request.auth.id != ''", known)
        assert not await records.satisfies(hidden, "@request.auth.id != ''", guest)
        assert await records.satisfies(hidden, "", guest)
        assert not await records.satisfies(shown, None, known), "null is for superusers"
        assert not await records.satisfies(shown, "no_such_field = 1", guest), (
            "what cannot be evaluated is not fulfilled"
        )
        found = await records.satisfying(shown.collection, [shown.id, hidden.id, "nowhere"], "open = true", guest)
        assert found == {shown.id}

    async def test_a_deleted_record_is_judged_by_its_last_values(self, running: Running) -> None:
        [shown, hidden] = [*await fill(running, "shown", open=True), *await fill(running, "hidden")]
        for record in (shown, hidden):
            await running.app.records.delete(record)
        guest = RequestContext()

        def judge(connection: Connection) -> list[bool]:
            within = running.app.records.within(connection)
            return [within.would_satisfy(record, "open = true", guest) for record in (shown, hidden)]

        assert await running.app.db.read(judge) == [True, False]

    async def test_a_rule_is_checked_before_it_is_saved(self, running: Running) -> None:
        posts = running.app.collections.get("posts")
        assert running.app.records.rule_error(posts, "open = true && votes > 1") is None
        for rule in ("no_such_field = 1", "open = ", "((("):
            assert running.app.records.rule_error(posts, rule), rule

    async def test_an_answer_has_what_its_caller_may_see(self, running: Running) -> None:
        [made] = await fill(running, "hello", secret="sesame", open=True)  # noqa: S106  # what shall stay hidden
        await running.app.records.create("comments", {"text": "x", "post": made.id})
        record = await running.app.records.get("posts", made.id)
        await running.app.records.enrich([record], RequestContext(), expand="comments_via_post")
        shown = record.to_json()
        assert (shown["title"], shown["collectionName"]) == ("hello", "posts")
        assert "secret" not in shown
        assert isinstance(shown["expand"], dict)
        assert len(shown["expand"]["comments_via_post"]) == 1

    async def test_a_create_through_the_api_obeys_its_rules(self, running: Running) -> None:
        posts = running.app.collections.get("posts")
        user, _ = await running.user()
        made = await running.app.records.create_through_api(posts, {"title": "x"}, RequestContext(auth=user))
        assert (await running.app.records.get("posts", made.id))["title"] == "x"
        with pytest.raises(ApiError):
            await running.app.records.create_through_api(posts, {"title": "y"}, RequestContext())

    # -- plain tables ------------------------------------------------------------------------------------------------

    async def test_the_filter_language_works_on_a_plain_table(self, running: Running) -> None:
        await fill(running, "a", "b", votes=1)
        query = running.app.records.table_query(
            "posts", {"title": "text", "votes": "number"}, filter="title = 'b' && votes = 1", sort="-title"
        )
        assert await running.app.db.read(lambda c: c.fetch_all(query.select(["title"], limit=5))) == [("b",)]
        assert await running.app.db.read(lambda c: c.fetch_one(query.count())) == (1,)
        with pytest.raises(BadRequestError):
            running.app.records.table_query("posts", {"title": "text"}, filter="secret = 'x'")
