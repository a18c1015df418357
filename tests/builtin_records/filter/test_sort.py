"""``sort`` (records.md 9)."""

from __future__ import annotations

import pytest
from builtin_records.filter import FilterError

from pbhost.model import RequestContext


@pytest.fixture(autouse=True)
def rows(world):
    world.insert("users", id="u1", name="Zoe")
    world.insert("users", id="u2", name="Ann")
    world.insert("posts", id="p3", title="b", count=1, author="u1", meta={"n": 3}, labels=["x", "y"])
    world.insert("posts", id="p1", title="B", count=2, author="u2", meta={"n": 1})
    world.insert("posts", id="p2", title="a", count=1, meta={"n": 2}, labels=["x"])
    world.insert("comments", id="c1", post="p1", score=5)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("title", "p1 p2 p3"),
        ("+title", "p1 p2 p3"),
        (" title ", "p1 p2 p3"),
        ("-title", "p3 p2 p1"),
        ("count,-title", "p3 p2 p1"),
        ("-count,title", "p1 p2 p3"),
        ("title:lower,-id", "p2 p3 p1"),
        ("author.name", "p2 p1 p3"),
        ("-author.name,id", "p3 p1 p2"),
        ("meta.n", "p1 p2 p3"),
        ("labels:length,id", "p1 p2 p3"),
        ("-labels:each,id", "p3 p2 p1"),
        ("-comments_via_post.score,id", "p1 p2 p3"),
        ("@rowid", "p3 p1 p2"),
        ("-@rowid", "p2 p1 p3"),
    ],
)
def test_the_order(world, sort, expected):
    found = world.ids(sort=sort)
    if ":each" in sort:
        assert set(found.split()) == set(expected.split())
    else:
        assert found == expected


def test_without_a_sort_there_is_no_order_by(world):
    assert "ORDER BY" not in world.query().ids().text


def test_random_order_has_every_row_once(world):
    assert set(world.ids(sort="-@random").split()) == {"p1", "p2", "p3"}


@pytest.mark.parametrize(
    "sort",
    [
        ",", "title,", "-", "+", "- title", "title desc", "--title", "nothing", "author.nothing", "1", "'title'",
        "null", "true", "@now", "@request.method", "@request.auth.id", "@request.auth.name", "@random:lower",
        "strftime('%Y')", "title;", "x" * 256, ",".join(["title"] * 9), "@collection.tags", "(title)",
    ],
)  # fmt: skip
def test_what_cannot_be_sorted_by(world, sort):
    with pytest.raises(FilterError):
        world.query(sort=sort)


def test_eight_terms_are_allowed(world):
    assert world.ids(sort=",".join(["title"] * 8)) == "p1 p2 p3"


def test_a_superuser_may_sort_by_a_joined_value_of_the_caller(world):
    context = RequestContext(auth=world.record("users", id="u1"))
    assert set(world.ids("", context, sort="@request.auth.name").split()) == {"p1", "p2", "p3"}


def test_pages(world):
    query = world.query(sort="title")
    assert world.run(query.select(("id",), limit=2)) == [("p1",), ("p2",)]
    assert world.run(query.select(("id", "title"), limit=2, offset=2)) == [("p3", "b")]


def test_a_view_has_no_rowid(world):
    view = world.add("titles", *[f for f in world.collections["posts"].fields if f.name == "title"], type_="view")
    world.connection.execute("CREATE VIEW titles AS SELECT id, title FROM posts")
    assert world.ids("title ~ 'b'", collection=view.name) == "p1 p3"
    with pytest.raises(FilterError):
        world.query(sort="@rowid", collection=view.name)
