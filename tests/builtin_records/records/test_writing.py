"""Create, update, delete through the API: bodies, rules, validation, cascades."""

from __future__ import annotations

from typing import Any

import pytest

from pbhost.database import Transaction
from tests.builtin_records.records.conftest import Blog, relation, text

NOT_FOUND = "The requested resource wasn't found."


async def test_a_create_answers_with_the_stored_record(blog: Blog) -> None:
    made = await blog.post("posts", {"title": "One", "score": "7", "unknown": 1, "collectionName": "x"})
    assert made.status == 200
    assert (made["title"], made["score"], made["collectionName"]) == ("One", 7, "posts")
    assert len(str(made["id"])) == 15
    assert len(str(made["slug"])) == 8
    assert made["created"] == made["updated"] != ""
    assert (await blog.get(f"posts/records/{made['id']}")).body == made.body


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"title": "validation_required"}),
        ({"title": "x" * 21, "author": "nope"}, {"title": "validation_max_text_constraint",
                                                 "author": "validation_missing_rel_records"}),
        ({"title": "taken"}, {"title": "validation_not_unique"}),
        ({"title": "a", "id": "existing0000001"}, {"id": "validation_not_unique"}),
        ({"title": "a", "id": "short"}, {"id": "validation_min_text_constraint"}),
    ],
)  # fmt: skip
async def test_field_errors_of_a_create(blog: Blog, body: object, errors: dict[str, str]) -> None:
    await blog.make("posts", title="taken", id="existing0000001")
    refused = await blog.post("posts", body)
    assert (refused.status, refused["message"]) == (400, "Failed to create record.")
    data: Any = refused["data"]
    assert {key: item["code"] for key, item in data.items()} == errors


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"score+": 5}, {"score": 15}),
        ({"score-": 3, "score+": 1}, {"score": 8}),
        ({"score": 1, "score+": 1}, {"score": 2}),
        ({"tags+": ["c"]}, {"tags": ["a", "b", "c"]}),
        ({"+tags": "c"}, {"tags": ["c", "a", "b"]}),
        ({"tags-": "a"}, {"tags": ["b"]}),
        ({"tags": None, "score": None}, {"tags": [], "score": 0}),
        ({"created": "2000-01-01 00:00:00.000Z", "secret": "x"}, {}),
        ({}, {}),
    ],
)
async def test_an_update_changes_what_the_body_names(
    blog: Blog, body: dict[str, Any], expected: dict[str, Any]
) -> None:
    ids = {name: await blog.make("tags", name=name) for name in "abc"}
    names = {id_: name for name, id_ in ids.items()}
    post = await blog.make("posts", title="One", score=10, tags=[ids["a"], ids["b"]], secret="kept")

    def to_ids(value: Any) -> Any:
        return [ids[item] for item in value] if isinstance(value, list) else ids.get(value, value)

    answer = await blog.patch("posts", post, {key: to_ids(value) for key, value in body.items()})
    assert answer.status == 200
    seen = await blog.get(f"posts/records/{post}", blog.root)
    assert isinstance(seen.body, dict)
    tags = seen["tags"]
    assert isinstance(tags, list)
    got = {**seen.body, "tags": [names[str(item)] for item in tags]}
    whole = {"title": "One", "score": 10, "tags": ["a", "b"], "secret": "kept", **expected}
    assert {key: got[key] for key in whole} == whole
    assert got["created"] != "2000-01-01 00:00:00.000Z"


async def test_the_id_cannot_be_changed(blog: Blog) -> None:
    post = await blog.make("posts", title="One")
    assert (await blog.patch("posts", post, {"id": post})).status == 200
    refused = await blog.patch("posts", post, {"id": "another00000001"})
    data: Any = refused["data"]
    assert (refused["message"], data["id"]["code"]) == ("Failed to update record.", "validation_pk_change")


async def test_the_create_rule_sees_the_row_as_it_would_be(blog: Blog) -> None:
    await blog.change("posts", createRule="score > 3 && slug = '' && @request.body.title:isset = true")
    refused = await blog.post("posts", {"title": "a", "score": 3})
    assert (refused.status, refused["message"], refused["data"]) == (400, "Failed to create record.", {})
    assert (await blog.post("posts", {"title": "a", "score": 4})).status == 200
    assert (await blog.post("posts", {"title": "b"}, blog.root)).status == 200
    await blog.change("posts", createRule=None)
    assert (await blog.post("posts", {"title": "c"})).status == 403


async def test_the_update_rule_sees_old_values_in_the_row_and_new_ones_in_the_body(blog: Blog) -> None:
    post = await blog.make("posts", title="One", score=1)
    await blog.change("posts", updateRule="score = 1 && @request.body.score = 3")
    for body in ({"score": 2}, {"score+": 1}, {}):
        assert (await blog.patch("posts", post, body)).status == 404
    assert (await blog.patch("posts", post, {"score+": 2}))["score"] == 3
    assert (await blog.patch("posts", post, {"score": 3})).status == 404


async def test_rules_see_hidden_fields_as_not_submitted(blog: Blog) -> None:
    await blog.change("posts", createRule="@request.body.secret:isset = false")
    made = await blog.post("posts", {"title": "a", "secret": "mine"})
    assert made.status == 200
    assert (await blog.get(f"posts/records/{made['id']}", blog.root))["secret"] == ""


async def test_a_broken_rule_lets_nobody_in(blog: Blog) -> None:
    post = await blog.make("posts", title="One")
    collection = blog.app.collections.get("posts")
    for kind in ("list", "view", "create", "update", "delete"):
        # The API refuses to save such a rule; a directory edited by hand may have one.
        setattr(collection, f"{kind}_rule", "nope = 1")
    collection.version += 1_000_000
    assert (await blog.get("posts/records")).status == 400
    assert (await blog.get(f"posts/records/{post}")).status == 404
    assert (await blog.post("posts", {"title": "x"}))["message"] == "Failed to create record."
    assert (await blog.patch("posts", post, {"title": "x"})).status == 404
    assert (await blog.delete("posts", post)).status == 404


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_bodies_that_are_none(blog: Blog, method: str) -> None:
    post = await blog.make("posts", title="One")
    path = "/api/collections/posts/records" + ("" if method == "POST" else f"/{post}")
    for body, content_type, message in (
        (b"{", "application/json", "Something went wrong while processing your request."),
        (b"[1]", "application/json", "Something went wrong while processing your request."),
        (b"x", "text/plain", "Unsupported Content-Type."),
    ):
        answer = await blog.running.request(method, path, data=body, headers={"Content-Type": content_type})
        assert (answer.status, answer["message"]) == (400, message)


async def test_a_delete_takes_cascades_along_and_clears_other_references(blog: Blog) -> None:
    author = await blog.make("authors", name="Ann")
    kept = await blog.make("posts", title="Kept", author=author)
    post = await blog.make("posts", title="One", author=author)
    comments = [await blog.make("comments", text=str(number), post=post) for number in range(3)]
    other = await blog.make("comments", text="x", post=kept)
    assert (await blog.delete("posts", post)).status == 204
    for id_ in comments:
        assert (await blog.get(f"comments/records/{id_}")).status == 404
    assert (await blog.get(f"comments/records/{other}")).status == 200
    before = await blog.get(f"posts/records/{kept}")
    assert (await blog.delete("authors", author)).status == 204
    after = await blog.get(f"posts/records/{kept}")
    assert after["author"] == ""
    assert str(after["updated"]) > str(before["updated"])
    assert (await blog.delete("posts", post))["message"] == NOT_FOUND


async def test_a_required_reference_blocks_a_delete(blog: Blog) -> None:
    authors = blog.app.collections.get("authors").id
    await blog.define("books", [text("name"), relation("by", authors, required=True, maxSelect=2)])
    ann, bob = await blog.make("authors", name="Ann"), await blog.make("authors", name="Bob")
    book = await blog.make("books", name="x", by=[ann, bob])
    assert (await blog.delete("authors", ann)).status == 204
    assert (await blog.get(f"books/records/{book}"))["by"] == [bob]
    refused = await blog.delete("authors", bob)
    assert (refused.status, refused["message"]) == (
        400,
        "Failed to delete record. Make sure that the record is not part of a required relation reference.",
    )
    assert (await blog.get(f"authors/records/{bob}")).status == 200


async def test_a_record_that_refers_to_itself_can_be_deleted(blog: Blog) -> None:
    nodes = await blog.define("nodes", [text("name")])
    fields = [{"name": item.name, **item.encode()} for item in blog.app.collections.get("nodes").fields]
    await blog.change("nodes", fields=[*fields, relation("parent", nodes, cascadeDelete=True)])
    root = await blog.make("nodes", name="root")
    await blog.patch("nodes", root, {"parent": root})
    child = await blog.make("nodes", name="child", parent=root)
    await blog.make("nodes", name="grandchild", parent=child)
    assert (await blog.delete("nodes", root)).status == 204
    assert (await blog.get("nodes/records"))["totalItems"] == 0


async def test_a_cascade_may_be_as_deep_as_a_table_is_long(blog: Blog) -> None:
    nodes = await blog.define("nodes", [text("name")])
    fields = [{"name": item.name, **item.encode()} for item in blog.app.collections.get("nodes").fields]
    both = [relation("parent", nodes, cascadeDelete=True), relation("other", nodes, cascadeDelete=True, required=True)]
    await blog.change("nodes", fields=[*fields, *both])

    def fill(tx: Transaction) -> None:
        rows = [(f"n{number}", f"n{number - 1}", f"n{number - 1}") for number in range(1500)]
        tx.execute_many("INSERT INTO nodes (id, parent, other) VALUES (?, ?, ?)", rows)

    await blog.app.db.write(fill)
    _, start = await blog.app.db.last_change()
    assert (await blog.delete("nodes", "n0")).status == 204
    assert (await blog.get("nodes/records"))["totalItems"] == 0
    changes = await blog.app.db.changes(start, 2000)
    assert [change.record_id for change in changes] == [f"n{number}" for number in reversed(range(1500))]


async def test_the_feed_tells_of_every_write_and_of_the_last_state_of_what_is_gone(blog: Blog) -> None:
    post = await blog.make("posts", title="One")
    comment = await blog.make("comments", text="hi", post=post)
    _, start = await blog.app.db.last_change()
    await blog.patch("posts", post, {"title": "Two"})
    await blog.delete("posts", post)
    changes = await blog.app.db.changes(start)
    assert [(change.record_id, change.action) for change in changes] == [
        (post, "update"),
        (comment, "delete"),
        (post, "delete"),
    ]
    assert '"title":"Two"' in changes[-1].payload


async def test_refused_writes_leave_no_trace(blog: Blog) -> None:
    _, start = await blog.app.db.last_change()
    await blog.post("posts", {"title": ""})
    await blog.change("posts", createRule="1 = 2")
    _, start = await blog.app.db.last_change()
    await blog.post("posts", {"title": "x"})
    assert await blog.app.db.last_change() == (1, start)
    assert (await blog.get("posts/records"))["totalItems"] == 0
