"""Where joined rows are looked up: the plans of multi-valued conditions, row by row and by sets."""

from __future__ import annotations

import pytest

from pbhost.model import RequestContext


@pytest.fixture(autouse=True)
def rows(world):
    for index in range(3):
        world.insert("teams", id=f"m{index}", name=f"team {index}")
        world.insert("users", id=f"u{index}", name="Ann" if index else "Bob", team=f"m{index}", friends=["u0"])
        world.insert("tags", id=f"t{index}", name=f"tag {index}", rank=index)
    for index in range(9):
        tags = [f"t{number}" for number in range(3) if index >> number & 1]
        world.insert(
            "posts", id=f"p{index}", title="x", author=f"u{index % 3}", tags=tags, labels=["x", "y"][: index % 3]
        )
        world.insert("comments", id=f"c{index}", post=f"p{index % 4}", score=index, text="go" if index % 2 else "js")


def plan(world, sql):
    return [str(row[3]) for row in world.connection.execute(f"EXPLAIN QUERY PLAN {sql.text}", sql.params)]


@pytest.mark.parametrize(
    ("filter", "joined", "expected"),
    [
        ("tags.name ?= 'tag 1'", "", "p2 p3 p6 p7"),
        ("tags.name = 'tag 1'", "", "p2"),
        ("tags.name != 'tag 1'", "", "p0 p1 p4 p5 p8"),
        ("labels:each != 'x'", "", "p0 p3 p6"),
        ("labels:each ?= 'y' || title = 'none'", "", "p2 p5 p8"),
        ("tags.name ?= 'tag 0' && tags.rank ?= 1", "", ""),
        ("tags.name ?= 'tag 0' && tags.rank ?= 0", "", "p1 p3 p5 p7"),
        ("author.name = 'Bob' && author.friends.name ?= 'Bob'", "JOIN `users`", "p0 p3 p6"),
        ("comments_via_post.score ?> 6 && comments_via_post.text ?= 'go'", "DISTINCT", "p3"),
        ("@collection.teams.name ?= 'team 1'", "", "p0 p1 p2 p3 p4 p5 p6 p7 p8"),
        ("@collection.teams.name ?= 'team 9'", "", ""),
    ],
)
def test_conditions_over_several_values_need_no_distinct(world, filter, joined, expected):
    query = world.query(filter)
    text = query.ids().text
    head = text.split(" WHERE ", maxsplit=1)[0]
    assert (joined in head) if joined else "JOIN" not in head
    assert ("DISTINCT" in head) is (joined == "DISTINCT")
    for sql in (query.ids(), query.select(("id",), by_sets=True)):
        assert " ".join(sorted(row[0] for row in world.run(sql))) == expected
    count = len(expected.split())
    assert world.run(query.count()) == world.run(query.count(by_sets=True)) == [(count,)]


def test_by_sets_another_table_is_gone_through_once(world):
    query = world.query("tags.name ?= 'tag 1'")
    assert query.scanned(counting=True) == {"tags"}
    row_by_row, by_sets = plan(world, query.count()), plan(world, query.count(by_sets=True))
    assert any(line.startswith("SEARCH j2") for line in row_by_row)
    assert any("LIST SUBQUERY" in line for line in by_sets)
    assert not any(line.startswith("SEARCH") for line in by_sets)


def test_the_rows_that_refer_to_one_are_not_looked_up_for_each(world):
    query = world.query("comments_via_post.score > 7")
    by_sets = query.count(by_sets=True)
    assert "JOIN" not in by_sets.text
    assert not any("CORRELATED" in line for line in plan(world, by_sets))
    assert world.run(by_sets) == world.run(query.count()) == [(0,)]
    assert world.run(world.query("comments_via_post.score ?> 7").count(by_sets=True)) == [(1,)]


def test_a_members_rule_asks_for_the_members_once(world):
    world.insert("members", id="g1", user="u1", team="m1")
    context = RequestContext(auth=world.record("users", id="u1", email="u1@x.io"))
    rule = "@collection.members.user ?= @request.auth.id && @collection.members.team ?= team"
    query = world.query("", context, collection="users", rule=rule)
    assert query.scanned(counting=True) == {"members"}
    assert " IN (SELECT " in query.count(by_sets=True).text
    assert world.run(query.select(("id",), by_sets=True)) == world.run(query.ids()) == [("u1",)]


def test_what_a_sort_reads_stays_joined(world):
    query = world.query("tags.rank ?> 0", sort="tags.name")
    assert "DISTINCT" in query.ids().text
    assert "JOIN" not in query.count().text.split(" WHERE ", maxsplit=1)[0]
    assert sorted(row[0] for row in world.run(query.ids())) == ["p2", "p3", "p4", "p5", "p6", "p7"]


def test_nothing_to_choose_is_said(world):
    assert world.query("title = 'x'").scanned(counting=True) is None
    assert world.query("author.name != ''").scanned(counting=False) is not None
    assert world.query("labels:each ?= 'x'").scanned(counting=False) == frozenset()
