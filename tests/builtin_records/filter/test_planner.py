"""Plans: one SQL text for all requests that are alike, indexes that can serve it, ids, rules before they are saved."""

from __future__ import annotations

import threading

import pytest
from builtin_records.filter import Access, FilterError
from builtin_records.filter.ast import Operator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pbhost.model import RequestContext


@pytest.fixture(autouse=True)
def rows(world):
    world.insert("users", id="u1", name="Ann")
    world.insert("users", id="u2", name="Bob")
    for index in range(20):
        world.insert("posts", id=f"p{index:02}", title=f"t{index}", author=f"u{index % 3}", count=index)


def as_user(world, id):
    return RequestContext(auth=world.record("users", id=id, email=f"{id}@x.io"))


def test_values_of_a_request_never_shape_the_sql(world):
    rule = "author = @request.auth.id && title != @request.query.t && @request.body.count >= 0"

    def text(id, title, count):
        context = as_user(world, id).derive(query={"t": title}, body={"count": count})
        return world.query("", context, rule=rule).ids().text

    assert text("u1", "a", 1.0) == text("u2", "b' OR 1", 2.5)
    assert text("u1", "a", 1.0) != text("u1", "", 1.0), "an empty value compares differently"


def test_filters_of_one_shape_share_one_plan(world):
    first = world.query("title = 't1' && count > 0 || title ~ 'x'", access=Access.CLIENT)
    second = world.query("title='t2'&&count>1||title~'other%'", access=Access.CLIENT)
    assert first.compiled is second.compiled
    assert [row[0] for row in world.run(first.ids())] == ["p01"]
    assert [row[0] for row in world.run(second.ids())] == ["p02"]
    assert world.query("title = ''").compiled is not first.compiled


def test_the_same_rule_is_compiled_once_for_each_kind_of_caller(world):
    rule = "@request.auth.id != '' && author = @request.auth.id"
    guest = world.query("", RequestContext(), rule=rule).compiled
    user = world.query("", as_user(world, "u1"), rule=rule).compiled
    assert world.query("", RequestContext(), rule=rule).compiled is guest
    assert world.query("", as_user(world, "u2"), rule=rule).compiled is user
    assert guest is not user
    assert world.ids("", as_user(world, "u2"), rule=rule).split()[:2] == ["p02", "p05"]
    assert world.ids("", RequestContext(), rule=rule) == ""


def test_a_changed_schema_drops_the_plans(world):
    before = world.query("author.name = 'Ann'", access=Access.CLIENT)
    world.rule("users", "name = 'nobody'")
    after = world.query("author.name = 'Ann'", access=Access.CLIENT)
    assert before.compiled is not after.compiled
    assert world.run(before.ids())
    assert not world.run(after.ids())


def test_many_different_values_do_not_pile_up(world):
    rule = " || ".join(f"title = @request.query.q{index}" for index in range(9))
    for mask in range(512):
        query = {f"q{index}": "t1" if mask >> index & 1 else "" for index in range(9)}
        expected = "p01" if mask else ""
        assert world.ids("", RequestContext(query=query), rule=rule) == expected


def test_only_some_ids(world):
    assert world.ids(ids=["p01"]) == "p01"
    assert world.ids(ids=["p01", "p03", "nope"]) == "p01 p03"
    assert world.ids(ids=[]) == ""
    assert world.ids("count > 2", ids=["p01", "p03"]) == "p03"
    assert world.query(ids=["a", "b", "c"]).ids().text == world.query(ids=["a", "b", "c", "d"]).ids().text
    many = [f"p{index:02}" for index in range(1000)]
    assert len(world.ids(ids=many).split()) == 20


def explain(world, query):
    sql = query.select(("id",))
    return " ".join(str(row[3]) for row in world.connection.execute(f"EXPLAIN QUERY PLAN {sql.text}", sql.params))


def test_plain_equality_is_served_by_an_index(world):
    world.connection.execute("CREATE INDEX by_author ON posts (author, count)")
    assert "by_author (author=?)" in explain(world, world.query("author = 'u1'"))
    assert "by_author (author=? AND count>?)" in explain(world, world.query("author.id = 'u1' && count > 3"))
    context = as_user(world, "u1")
    assert "by_author (author=?)" in explain(world, world.query("", context, rule="@request.auth.id = author"))
    assert "sqlite_autoindex_posts_1 (id=?)" in explain(world, world.query(ids=["p01"], rule="count > 1"))
    assert "TEMP B-TREE" not in explain(world, world.query("author = 'u1'", sort="count"))


def test_a_value_of_the_caller_is_served_by_an_index(world):
    world.connection.execute("CREATE INDEX by_team ON users (team)")
    world.connection.execute("CREATE INDEX by_member ON members (user)")
    world.insert("users", id="u9", team="t1")
    context = as_user(world, "u9")
    query = world.query("", context, collection="users", rule="team = @request.auth.team")
    assert "by_team (team=?)" in explain(world, query)
    assert world.run(query.ids()) == [("u9",)]
    world.insert("members", id="m1", user="u9", team="t1")
    rule = "@collection.members.user ?= @request.auth.id && @collection.members.team ?= team"
    query = world.query("", context, collection="users", rule=rule)
    assert "by_member (user=?)" in explain(world, query)
    assert "by_team (team=?)" in explain(world, query)
    assert world.run(query.ids()) == [("u9",)]


def test_the_tables_behind_a_result_are_known(world):
    context = as_user(world, "u1")
    query = world.query("@request.auth.team.name = 'Red' && @collection.tags.id ?= 'x'", context, sort="author.name")
    assert query.tables == {"posts", "users", "teams", "tags"}


def test_a_count_skips_the_joins_of_the_sort(world):
    query = world.query("count > 3", sort="author.name")
    assert "JOIN" in query.ids().text
    assert "JOIN" not in query.count().text
    assert query.tables == {"posts", "users"}


def test_a_rule_is_checked_against_the_collection_as_it_will_be(world):
    changed = world.collections["posts"].copy()
    changed.fields = [field for field in changed.fields if field.name != "title"]
    world.planner.check_rule(changed, "author.name = @request.auth.anything && count > 1")
    with pytest.raises(FilterError, match="title"):
        world.planner.check_rule(changed, "title = 'x'")
    with pytest.raises(FilterError, match="title"):
        world.planner.check_rule(changed, "author.posts_via_author.title = 'x'")


def test_a_planner_may_be_used_from_several_threads(world):
    failures = []

    def work(offset):
        try:
            for index in range(200):
                sql = world.query(f"title = 't{index}' && count >= {index % 7}" + " && id != ''" * (index % 5)).ids()
                assert sql.params[0] == f"t{index}", offset
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_rule_with_200_comparisons_and_nested_groups_runs(world):
    text = "count >= 0 && (" * 12 + " || ".join(["title = 't1'"] * 180) + ")" * 12
    assert world.ids(text, access=Access.CODE) == "p01"
    assert world.ids("(" * 90 + "title = 't1'" + ")" * 90) == "p01"


NAMES = """
title count active published meta meta.a place place.lon kind labels labels:each labels:length author author.id
author.name author.email tags tags.name tags.id tags:each comments_via_post.text comments_via_post.score
lists_via_posts.name title:lower author.friends.name @now @year null true @request.auth.id @request.auth.name
@request.auth.friends.name @request.auth.team.name @request.query.q @request.body.title @request.body.title:changed
@request.body.labels:each @request.body.labels:length @request.body.tags.name @request.body.author.name
@collection.tags.name @collection.members:x.user.name strftime('%Y',published) geoDistance(place.lon,1,place.lat,2)
5 -1.5 'x' '' 'a%'
"""
names = st.sampled_from(NAMES.split())
signs = st.sampled_from([operator.value for operator in Operator])
comparisons = st.tuples(names, signs, names).map(" ".join)
expressions = st.recursive(
    comparisons,
    lambda inner: st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda parts: f"({' '.join(parts)})"),
    max_leaves=4,
)


@given(text=expressions, guest=st.booleans(), q=st.sampled_from([None, "", "x", "5"]))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])  # nothing is changed in the world
def test_what_compiles_also_runs(world, text, guest, q):
    context = RequestContext() if guest else as_user(world, "u1")
    context = context.derive(
        query={} if q is None else {"q": q}, body={} if q is None else {"title": q, "labels": [q], "tags": [q]}
    )
    # A rule sees the same rows as the filter of a superuser.
    assert world.ids(rule=text, context=context) == world.ids(text, context)


def test_what_hostile_filters_leave_behind_is_bounded(world):
    from builtin_records.filter import plans

    plain = world.query("count > 1").compiled
    for index in range(300):
        world.query(" || ".join(f"meta.k{index}x{number} = 'x'" for number in range(100)))
        world.query("count > 1")
        with pytest.raises(FilterError):
            world.query("nothing = 1", sort=f"{'x' * 20_000}{index}")
    assert world.query("count > 1").compiled is plain, "what is used stays"
    cache = world.planner._plans
    assert cache._size == sum(plan.size for plan in cache._plans.values())
    assert cache._size <= plans.MAX_TEXT
