"""Functions that plugins register."""

from __future__ import annotations

import pytest
from builtin_records.filter import Access, FilterError, QueryPlanner

from pbhost.model import RequestContext


class Between:
    name = "between"
    min_arguments = 3
    max_arguments = 3

    def sql(self, arguments):
        value, low, high = arguments
        return f"{value} >= {low} AND {value} <= {high}"


@pytest.fixture
def ids(world):
    world.insert("users", id="u1", email="a@x.io")
    world.insert("tags", id="t1", rank=1)
    world.insert("tags", id="t5", rank=5)
    world.insert("posts", id="p1", count=1, tags=["t1"])
    world.insert("posts", id="p2", count=5, tags=["t1", "t5"], author="u1")
    planner = QueryPlanner(world, world.dialect, [Between()])

    def ids(filter, access=Access.SUPERUSER, **query):
        context = RequestContext(query=query)
        found = world.run(planner.query(world.collections["posts"], context, filter=filter, access=access).ids())
        return " ".join(sorted(str(row[0]) for row in found))

    return ids


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ("between(count, 2, 9) = true", "p2"),
        ("true = between(3, 2, count)", "p2"),
        ("between(@request.query.count, 2, count) = true", "p2"),
        ("between(tags.rank, 0, 2) = true", "p1"),
        ("between(tags.rank, 0, 2) ?= true", "p1 p2"),
    ],
)
def test_a_registered_function(ids, filter, expected):
    assert ids(filter, count="3") == expected


@pytest.mark.parametrize(
    "filter",
    [
        "between(count, 2) = true",
        "between(count, 2, 9, 10) = true",
        "between(count, 2, strftime('%s')) = true",
        "between(tags.rank, 0, tags.id) = true",
        "nothing(count) = true",
    ],
)
def test_a_wrong_call(ids, filter):
    with pytest.raises(FilterError):
        ids(filter)


def test_an_email_in_an_argument_is_guarded(ids):
    assert ids("between(author.email, 'a', 'b') = true") == "p2"
    assert ids("between(author.email, 'a', 'b') = true", Access.CLIENT) == ""


def test_code_binds_arguments_and_a_client_does_not(world):
    world.insert("posts", id="p1", count=1)
    world.insert("posts", id="p2", count=5)
    planner = QueryPlanner(world, world.dialect, [Between()])

    def ids(filter, access, **values):
        query = planner.query(
            world.collections["posts"], RequestContext(), filter=filter, access=access, values=values or None
        )
        return " ".join(sorted(str(row[0]) for row in world.run(query.ids())))

    assert ids("between(count, {:low}, {:high}) = true", Access.CODE, low=2, high=9) == "p2"
    assert ids("geoDistance(count, 0, {:lon}, {:lat}) < 1", Access.CODE, lon=5, lat=0) == "p2"
    with pytest.raises(FilterError):
        ids("between(count, {:low}, 9) = true", Access.CLIENT, low=2)
