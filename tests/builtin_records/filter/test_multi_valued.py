"""Paths with several values: multi-valued relations, back-relations, ``:each``, ``@collection`` (records.md 8.8)."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def rows(world):
    world.insert("tags", id="go", name="go", rank=1, extra={"k": "v"})
    world.insert("tags", id="js", name="js", rank=2)
    world.insert("tags", id="py", name="py", rank=3, extra={"k": "v"})
    world.insert("teams", id="t1", name="Red")
    world.insert("users", id="u1", name="Ann", team="t1", friends=["u2", "u3"])
    world.insert("users", id="u2", name="Bob")
    world.insert("users", id="u3", name="Cid")
    world.insert("profiles", id="f1", user="u1", bio="hi")
    world.insert("posts", id="pGo", tags=["go"], labels=["x"], author="u1", meta={"k": ""})
    world.insert("posts", id="pGoJs", tags=["go", "js"], labels=["x", "y"], author="u2")
    world.insert("posts", id="pJs", tags=["js"], labels=["y"], author="u3")
    world.insert("posts", id="pNone", tags=[], labels=[], meta={"k": ""})
    world.insert("comments", id="c1", post="pGo", author="u1", score=9, text="a")
    world.insert("comments", id="c2", post="pGo", author="u2", score=1, text="b")
    world.insert("comments", id="c3", post="pJs", author="u2", score=9, text="b")
    world.insert("lists", id="l1", name="best", posts=["pGo", "pJs"])
    world.insert("lists", id="l2", name="rest", posts=["pJs"])
    world.insert("members", id="m1", team="t1", user="u2", role="owner")
    world.insert("members", id="m2", team="t1", user="u3", role="guest")


RELATION = [
    ("tags.name = 'go'", "pGo"),
    ("tags.name ?= 'go'", "pGo pGoJs"),
    ("tags.name != 'go'", "pJs pNone"),
    ("tags.name ?!= 'go'", "pGoJs pJs pNone"),
    ("'go' = tags.name", "pGo"),
    ("'go' != tags.name", "pJs pNone"),
    ("tags.name = ''", "pNone"),
    ("tags.name != ''", "pGo pGoJs pJs"),
    ("tags.id ?= 'js'", "pGoJs pJs"),
    ("tags.id = 'js'", "pJs"),
    ("tags.rank > 1", "pJs"),
    ("tags.rank ?> 1", "pGoJs pJs"),
    ("1 < tags.rank", "pJs"),
    ("tags.name ~ 'g'", "pGo"),
    ("tags.name ?~ 'g'", "pGo pGoJs"),
    ("tags.name !~ 'g'", "pJs"),
    ("tags.name ?!~ 'g'", "pGoJs pJs"),
    ("tags:length = 2", "pGoJs"),
    ("tags:length = 0", "pNone"),
    ("tags.name:lower = 'go'", "pGo"),
    ("tags.extra.k = 'v'", "pGo"),
    ("tags.extra.k ?= null", "pGoJs pJs pNone"),
    ("author.friends.name = 'Bob'", ""),
    ("author.friends.name ?= 'Bob'", "pGo"),
    ("author.friends.name ?= 'Bob' && author.friends.name ?= 'Cid'", ""),  # one joined row, not two
    ("author.friends.team.name = ''", "pGo pGoJs pJs pNone"),
    ("author.name = author.friends.name", "pNone"),
    ("author.friends.name != author.name", "pGo pGoJs pJs"),
    ("tags.name = tags.id", "pGo pJs pNone"),  # every name against every id
    ("tags.name ?= tags.id", "pGo pGoJs pJs pNone"),
    ("strftime('%Y', tags.name) = ''", "pGo pGoJs pJs pNone"),
    # A strict single side loses its strictness in the sub-select.
    ("tags.name != meta.k", "pGo pGoJs pJs"),
    ("tags.name ?!= meta.k", "pGo pGoJs pJs pNone"),
]
EACH = [
    ("labels:each = 'x'", "pGo"),
    ("labels:each ?= 'x'", "pGo pGoJs"),
    ("labels:each != 'x'", "pJs pNone"),
    ("labels:each ?!= 'x'", "pGoJs pJs pNone"),
    ("labels:each ~ 'y'", "pJs"),
    ("labels:each = ''", "pNone"),
    ("tags:each ?= 'go' && tags.name ?= 'go'", "pGo pGoJs"),
    ("tags:each ?= 'go' && tags.name ?= 'js'", ""),  # both speak of one item
    ("tags:each ?= tags.name", "pGo pGoJs pJs pNone"),
    ("author:each = 'u1'", "pGo"),
]
BACK = [
    ("comments_via_post.score > 5", "pJs"),
    ("comments_via_post.score ?> 5", "pGo pJs"),
    ("comments_via_post.author ?= 'u1' && comments_via_post.score ?< 5", ""),
    ("comments_via_post.author ?= 'u2' && comments_via_post.score ?< 5", "pGo"),
    ("comments_via_post.author = 'u2' && comments_via_post.score ?> 5", "pJs"),
    ("comments_via_post.id = ''", "pGoJs pNone"),
    ("COMMENTS_via_post.id != ''", "pGo pJs"),
    ("id_comments_via_post.id != ''", "pGo pJs"),
    ("comments_via_post.author.name ?= 'Ann'", "pGo"),
    ("comments_via_post.id:length = 'c3'", "pJs"),
    ("comments_via_post.post = 'pJs'", "pJs"),
    ("comments_via_post.post.id = 'pJs'", "pJs"),
    ("lists_via_posts.name = 'best'", "pGo"),
    ("lists_via_posts.name ?= 'best'", "pGo pJs"),
    ("lists_via_posts.posts:length > 1", "pGo"),
    ("lists_via_posts.posts:length ?> 1", "pGo pJs"),
    ("comments_via_post.score = lists_via_posts.name", "pGoJs pNone"),
    ("author.profiles_via_user.bio = 'hi'", "pGo"),
    ("author.members_via_user.team.name ?= 'Red'", "pGoJs pJs"),
]
OTHER = [
    ("@collection.tags.name ?= 'go'", "pGo pGoJs pJs pNone"),
    ("@collection.tags.name = 'go'", ""),
    ("@collection.tags.name ?= 'nope'", ""),
    ("@collection.members.role ?= 'owner' && @collection.members.user ?= author", "pGoJs"),
    ("@collection.members:a.role ?= 'owner' && @collection.members:b.user ?= author", "pGoJs pJs"),
    ("@collection.members.user != author", "pGo pNone"),
    ("@collection.members.user ?!= author", "pGo pGoJs pJs pNone"),
    ("@collection.id_members.user.name ?= author.name", "pGoJs pJs"),
    ("author.team = 't1' && @collection.members.team ?= author.team", "pGo"),
    ("@collection.posts:o.id ?!= id && @collection.posts:o.tags ?= tags", ""),
    ("@collection.comments.post ?= id", "pGo pJs"),
]


@pytest.mark.parametrize(("text", "expected"), RELATION + EACH + BACK + OTHER)
def test_a_filter_matches(world, text, expected):
    assert world.ids(text) == expected
    assert world.ids(rule=text) == expected


def test_each_row_comes_once(world):
    assert world.ids("tags.name ?!= 'nope' && lists_via_posts.id ?!= 'nope'") == "pGo pGoJs pJs pNone"
    # A multi-valued path sorts by one of its values, whichever.
    assert world.ids("tags.name ?!= 'nope'", sort="-tags.rank,id").split() in (
        ["pGoJs", "pJs", "pGo", "pNone"],
        ["pJs", "pGo", "pGoJs", "pNone"],
    )


def test_to_one_joins_need_no_distinct(world):
    assert "DISTINCT" not in world.query("author.team.name = 'Red'").ids().text
    assert "DISTINCT" in world.query("comments_via_post.text = 'go'").ids().text


def test_a_path_used_twice_is_joined_once(world):
    text = world.query("tags.name ?= 'go' && tags.rank ?= 1 && tags.extra.k ?= 'v'", sort="tags.name").ids().text
    assert text.count("LEFT JOIN") == 2


def test_a_rule_and_a_filter_share_their_joins(world):
    rule = "comments_via_post.author ?= 'u1'"
    assert world.ids("comments_via_post.score ?> 5", rule=rule) == "pGo"
    assert world.ids("comments_via_post.score ?< 5", rule=rule) == ""


def test_a_unique_index_makes_a_back_relation_single(world):
    assert "NOT EXISTS" not in world.query("profiles_via_user.bio = 'hi'", collection="users").ids().text
    assert "NOT EXISTS" in world.query("members_via_user.role = 'x'", collection="users").ids().text


def test_too_many_joins_are_refused_before_they_are_built(world):
    from builtin_records.filter import FilterError

    with pytest.raises(FilterError, match="joins"):
        world.query(" && ".join(f"@collection.tags:a{index}.name ?= 'x'" for index in range(70)))
