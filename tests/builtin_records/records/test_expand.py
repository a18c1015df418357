"""``expand``: related records in answers."""

from __future__ import annotations

from typing import Any

import pytest
from builtin_records.records.expand import ExpandTree, parse_expand

from tests.builtin_records.records.conftest import Blog


def shape(tree: ExpandTree | None) -> Any:
    return None if tree is None else {key: shape(below) for key, below in tree.children.items()}


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", None),
        (" , .. ,", None),
        ("author", {"author": {}}),
        (" au thor ,author", {"author": {}}),
        (".author.", {"author": {}}),
        ("author,author.team", {"author": {"team": {}}}),
        ("a.b,a.c,d", {"a": {"b": {}, "c": {}}, "d": {}}),
        ("a.b.c.d.e.f.g.h", {"a": {"b": {"c": {"d": {"e": {"f": {}}}}}}}),
        ("author,authors", {"author": {}, "authors": {}}),
    ],
)
def test_the_paths_of_an_expand(text: str, tree: object) -> None:
    assert shape(parse_expand(text)) == tree


async def _blog_with_posts(blog: Blog) -> dict[str, str]:
    ids = {"team": await blog.make("teams", name="T")}
    ids["ann"] = await blog.make("authors", name="Ann", team=ids["team"], note="n")
    ids["go"], ids["js"] = await blog.make("tags", name="go"), await blog.make("tags", name="js")
    ids["one"] = await blog.make("posts", title="One", author=ids["ann"], tags=[ids["js"], ids["go"]])
    ids["two"] = await blog.make("posts", title="Two", author=ids["ann"])
    for number in range(3):
        ids[f"c{number}"] = await blog.make("comments", text=str(number), post=ids["one"])
    return ids


def outline(record: Any) -> Any:
    """A record by its name and what it is expanded by."""
    if isinstance(record, list):
        return [outline(item) for item in record]
    name = record.get("title") or record.get("name") or record.get("text")
    if "expand" not in record:
        return name
    return (name, {key: outline(value) for key, value in record["expand"].items()})


@pytest.mark.parametrize(
    ("expand", "expected"),
    [
        ("author", ("One", {"author": "Ann"})),
        ("tags", ("One", {"tags": ["js", "go"]})),
        ("author.team,tags", ("One", {"author": ("Ann", {"team": "T"}), "tags": ["js", "go"]})),
        ("comments_via_post", ("One", {"comments_via_post": ["0", "1", "2"]})),
        ("comments(post)", ("One", {"comments(post)": ["0", "1", "2"]})),
        (
            "comments_via_post.post.author",
            ("One", {"comments_via_post": [(n, {"post": ("One", {"author": "Ann"})}) for n in "012"]}),
        ),
        ("nope", "One"),
        ("title", "One"),
        ("author,nope", ("One", {"author": "Ann"})),
        ("author,author.nope", "One"),
        ("author.team,author.nope", ("One", {"author": ("Ann", {"team": "T"})})),
        ("tags_via_post", "One"),
        ("comments_via_text", "One"),
    ],
)
async def test_what_a_view_is_expanded_by(blog: Blog, expand: str, expected: object) -> None:
    ids = await _blog_with_posts(blog)
    seen = await blog.get(f"posts/records/{ids['one']}?expand={expand}")
    assert outline(seen.body) == expected


async def test_a_list_is_expanded_record_by_record(blog: Blog) -> None:
    await _blog_with_posts(blog)
    seen = await blog.get("posts/records?expand=author,tags,comments_via_post&sort=title")
    assert outline(seen["items"]) == [
        ("One", {"author": "Ann", "tags": ["js", "go"], "comments_via_post": ["0", "1", "2"]}),
        ("Two", {"author": "Ann"}),
    ]


async def test_nothing_related_leaves_an_empty_expand(blog: Blog) -> None:
    alone = await blog.make("posts", title="Alone")
    for expand in ("author", "author.nope", "tags,comments_via_post"):
        assert (await blog.get(f"posts/records/{alone}?expand={expand}"))["expand"] == {}


async def test_expand_asks_the_view_rule_of_the_related_collection(blog: Blog) -> None:
    ids = await _blog_with_posts(blog)
    path = f"posts/records/{ids['one']}?expand=tags,author"
    await blog.change("tags", viewRule="name = 'go' && @request.context = 'expand'", listRule=None)
    await blog.change("authors", viewRule=None)
    assert outline((await blog.get(path)).body) == ("One", {"tags": ["go"]})
    assert outline((await blog.get(path, blog.root)).body) == ("One", {"tags": ["js", "go"], "author": "Ann"})


async def test_expanded_records_hide_what_they_would_hide_alone(blog: Blog) -> None:
    ids = await _blog_with_posts(blog)
    path = f"posts/records/{ids['one']}?expand=author"
    seen: Any = (await blog.get(path)).body
    assert "note" not in seen["expand"]["author"]
    root: Any = (await blog.get(path, blog.root)).body
    assert root["expand"]["author"]["note"] == "n"


async def test_a_unique_back_relation_is_one_record(blog: Blog) -> None:
    ids = await _blog_with_posts(blog)
    await blog.delete("comments", ids["c1"])
    await blog.delete("comments", ids["c2"])
    await blog.change("comments", indexes=["CREATE UNIQUE INDEX `idx_one` ON `comments` (`post`)"])
    seen = await blog.get(f"posts/records/{ids['one']}?expand=comments_via_post")
    assert outline(seen.body) == ("One", {"comments_via_post": "0"})


async def test_a_back_relation_through_a_list(blog: Blog) -> None:
    ids = await _blog_with_posts(blog)
    seen = await blog.get(f"tags/records/{ids['go']}?expand=posts_via_tags.author")
    assert outline(seen.body) == ("go", {"posts_via_tags": [("One", {"author": "Ann"})]})
    both = await blog.get("tags/records?expand=posts_via_tags&sort=name")
    assert outline(both["items"]) == [(name, {"posts_via_tags": ["One"]}) for name in ("go", "js")]


async def test_answers_of_writes_are_expanded_too(blog: Blog) -> None:
    ids = await _blog_with_posts(blog)
    path = f"/api/collections/posts/records/{ids['two']}?expand=tags"
    answer = await blog.running.request("PATCH", path, {"tags": [ids["go"]]})
    assert outline(answer.body) == ("Two", {"tags": ["go"]})


async def test_an_expand_that_multiplies_is_given_up(blog: Blog, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = await _blog_with_posts(blog)
    monkeypatch.setattr("builtin_records.records.expand.MAX_EXPANDED", 10)
    path = f"posts/records/{ids['one']}?expand=comments_via_post.post.comments_via_post.post.comments_via_post"
    seen = await blog.get(path)
    assert seen.status == 200
    assert len(str(seen.body)) < 5000
