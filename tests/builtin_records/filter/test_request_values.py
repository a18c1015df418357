"""``@request.…`` in rules: static values, the caller's record, the body, and rows that are not stored yet."""

from __future__ import annotations

import pytest
from builtin_records.filter import FilterError, virtual_row
from builtin_records.jsontext import JsonText

from pbhost.model import RequestContext, UploadedFile


@pytest.fixture(autouse=True)
def rows(world):
    world.insert("teams", id="t1", name="Red")
    world.insert("users", id="u1", name="Ann", email="Ann@x.io", level=3, team="t1", friends=["u2"], notes="n")
    world.insert("users", id="u2", name="Bob")
    world.insert("tags", id="go", name="go")
    world.insert("tags", id="js", name="js")
    world.insert("posts", id="p1", title="one", count=5, author="u1", labels=["x"], tags=["go"], meta={"a": 1})
    world.insert("posts", id="p2", title="", count=0, author="")


def caller(world, **values):
    record = world.record("users", id="u1", name="Ann", email="Ann@x.io", level=3, team="t1", **values)
    return RequestContext(auth=record)


GUEST = [
    ("@request.auth.id = ''", True),
    ("@request.auth.id != ''", False),
    ("@request.auth.id = null", True),
    ("@request.auth.collectionName = 'users'", False),
    ("@request.auth.collectionName != 'users'", True),
    ("@request.auth.verified = true", False),
    ("@request.auth.verified = false", False),
    ("@request.auth.team.name = ''", True),
    ("@request.auth.nothing.at.all = ''", True),
]
USER = [
    ("@request.auth.id = 'u1'", True),
    ("@request.auth.id != ''", True),
    ("@request.auth.id:isset = 'u1'", True),
    ("@request.auth.id:each = 'u1'", True),
    ("@request.auth.collectionId = 'id_users'", True),
    ("@request.auth.collectionName = 'users'", True),
    ("@request.auth.email = 'Ann@x.io'", True),
    ("@request.auth.email:lower = 'ann@x.io'", True),
    ("@request.auth.verified = false", True),
    ("@request.auth.verified:lower = 'false'", True),
    ("@request.auth.level > 2", True),
    ("@request.auth.level = 3", True),
    ("@request.auth.name:lower = 'ann'", True),
    ("@request.auth.notes = 'n'", True),
    ("@request.auth.team = 't1'", True),
    ("@request.auth.team.id = 't1'", True),
    ("@request.auth.team.name = 'Red'", True),
    ("@request.auth.friends.name = 'Bob'", True),
    ("@request.auth.friends:each ?= 'u2'", True),
    ("@request.auth.posts_via_author.title = 'one'", True),
    ("@request.auth.posts_via_author.title = 'two'", False),
    ("@request.auth.nothing = ''", True),
    ("@request.auth.nothing != ''", False),
    ("@request.auth.nothing_via_author.title = ''", True),
    ("author = @request.auth.id", True),
    ("author.name = @request.auth.name", True),
    ("author != @request.auth.id", False),
]


@pytest.mark.parametrize(("rule", "expected"), GUEST)
def test_a_guest_has_no_values(world, rule, expected):
    assert (world.ids(rule=rule, ids=["p1"]) == "p1") is expected


@pytest.mark.parametrize(("rule", "expected"), USER)
def test_the_callers_record(world, rule, expected):
    assert (world.ids("", caller(world), rule=rule, ids=["p1"]) == "p1") is expected


@pytest.mark.parametrize("rule", ["@request.auth.email.x = 1", "@request.auth.name.x = 1", "@request.auth.id:no = 1"])
def test_a_wrong_path_of_the_callers_record_is_an_error(world, rule):
    with pytest.raises(FilterError):
        world.query("", caller(world), rule=rule)


UPLOAD = UploadedFile.from_bytes(b"hello", "Me.png")
UPLOAD.name = "me_x.png"
BODY = {
    "title": "One",
    "count": 5,
    "active": True,
    "labels": ["x", "y"],
    "kind": "",
    "meta": JsonText('{"a": {"b": [1, "z"]}}'),
    "place": {"lon": 1.5, "lat": 2.0},
    "published": "2024-05-01 10:00:00.000Z",
    "free": "text",
    "number": "7",
    "nil": None,
    "empty": "",
    "list": [1, {"x": "y"}],
    "docs": [UPLOAD, "old.txt"],
}
CONTEXT = RequestContext(
    method="PATCH",
    context="batch",
    query={"count": "5", "page": "5", "empty": "", "Q": "Hello"},
    headers={"x_api_key": "Secret"},
    body=BODY,
)
STATIC = [
    ("@request.method = 'PATCH'", True),
    ("@request.context = 'batch'", True),
    ("@request.context != 'default'", True),
    ("@request.query.page = '5'", True),
    ("@request.query.page = 5", False),  # text
    ("@request.query.count = 5", True),  # posts.count is a number field
    ("@request.query.missing = ''", True),
    ("@request.query.missing = null", True),
    ("@request.query.missing != 'x'", True),
    ("@request.query.missing > 1", False),
    ("@request.query.missing ~ ''", False),
    ("@request.query.empty = null", True),
    ("@request.query.empty = @request.query.missing", True),
    ("@request.query.empty ~ ''", True),
    ("@request.query.Q ~ 'ell'", True),
    ("@request.query.Q:lower = 'hello'", True),
    ("@request.query.q:isset = true", False),
    ("@request.query.Q:isset = true", True),
    ("@request.query.empty:isset = true", True),
    ("@request.query.missing:isset = false", True),
    ("@request.query.page.deeper = ''", True),
    ("@request.headers.x_api_key = 'Secret'", True),
    ("@request.headers.x_api_key:lower = 'secret'", True),
    ("@request.headers.other:isset = false", True),
    ("@request.body.title = 'One'", True),
    ("@request.body.title:lower = 'one'", True),
    ("@request.body.title = title", False),
    ("@request.body.title:lower = title", True),
    ("title = @request.body.title:lower", True),
    ("@request.body.count = 5", True),
    ("@request.body.count = count", True),
    ("@request.body.active = true", True),
    ("@request.body.active:lower = 'true'", True),
    ('@request.body.labels = \'["x","y"]\'', True),
    ("@request.body.labels:lower = ''", True),
    ("@request.body.labels:length = 2", True),
    ("@request.body.labels:each ~ 'x'", False),
    ("@request.body.labels:each ?= 'x'", True),
    ("@request.body.labels:each ?~ 'x'", True),
    ("labels:each ?= @request.body.labels:each", True),
    ("@request.body.kind:length = 1", True),  # a cleared single value is one empty item
    ("@request.body.kind:each = ''", True),
    ("@request.body.author:length = 0", True),
    ("@request.body.author:each = 'x'", False),
    ("@request.body.author:each != 'x'", True),
    ("@request.body.meta.a.b.1 = 'z'", True),
    ("@request.body.meta.a.b.9 = null", True),
    ('@request.body.meta.a = \'{"b":[1,"z"]}\'', True),
    ("@request.body.place.lon = 1.5", True),
    ('@request.body.place = \'{"lon":1.5,"lat":2}\'', True),
    ("@request.body.free = 'text'", True),
    ("@request.body.free.x = null", True),
    ("@request.body.number = '7'", True),
    ("@request.body.nil = ''", True),
    ("@request.body.nil:isset = true", True),
    ("@request.body.none:isset = true", False),
    ("@request.body.list.1.x = 'y'", True),
    ("@request.body.list.1.x:isset = true", True),
    ("@request.body.list.7.x:isset = true", False),
    ("@request.body.docs.0.name = 'me_x.png'", True),
    ("@request.body.docs.0.originalName ~ 'me.png'", True),
    ("@request.body.docs.0.size = 5", True),
    ("@request.body.title:changed = true", True),
    ("@request.body.count:changed = false", True),
    ("@request.body.count:changed = true", False),
    ("@request.body.author:changed = false", True),  # not submitted
    ("@request.body.meta:changed = true", True),
    ("@request.body.kind:changed = false", True),
    ("@request.body.labels:changed = true", True),
]


@pytest.mark.parametrize(("rule", "expected"), STATIC)
def test_static_values_of_the_request(world, rule, expected):
    assert (world.ids("", CONTEXT, rule=rule, ids=["p1"]) == "p1") is expected


RELATIONS = [
    ({"author": "u1"}, "@request.body.author.name = 'Ann'", True),
    ({"author": "u1"}, "@request.body.author.team.name = 'Red'", True),
    ({"author": "gone"}, "@request.body.author.name = ''", True),
    ({"author": ""}, "@request.body.author.name = ''", True),
    ({}, "@request.body.author.name = 'Ann'", False),
    ({}, "@request.body.author.name = ''", True),
    ({"author": "u1"}, "@request.body.author.nothing = ''", True),
    ({"author": "u1"}, "@request.body.author.friends.name = 'Bob'", True),
    ({"tags": ["go", "js"]}, "@request.body.tags.name = 'go'", False),
    ({"tags": ["go", "js"]}, "@request.body.tags.name ?= 'go'", True),
    ({"tags": ["go"]}, "@request.body.tags.name = 'go'", True),
    ({"tags": []}, "@request.body.tags.name = 'go'", False),
    ({"tags": ["go", "js"]}, "@request.body.tags.name ?= tags.name", True),
]


@pytest.mark.parametrize(("body", "rule", "expected"), RELATIONS)
def test_submitted_relations(world, body, rule, expected):
    assert (world.ids("", RequestContext(body=body), rule=rule, ids=["p1"]) == "p1") is expected


VIRTUAL = [
    ("title = 'new'", True),
    ("id != ''", True),
    ("count = 0", True),
    ("author.name = 'Ann'", True),
    ("author.friends.name = 'Bob'", True),
    ("tags.name ?= 'js'", True),
    ("tags.name = 'js'", False),
    ("labels:length = 0", True),
    ("meta = null", True),
    ("place.lon = 0", True),
    ("active = false", True),
    ("@collection.posts.title ?= 'new'", False),
    ("@collection.posts.title ?= 'one'", True),
    ("author.posts_via_author.title = 'one'", True),
    ("@request.body.title:changed = true", False),
    ("author = @request.auth.id", True),
]


@pytest.mark.parametrize(("rule", "expected"), VIRTUAL)
def test_a_row_that_is_not_stored_yet(world, rule, expected):
    record = world.record("posts", title="new", author="u1", tags=["go", "js"])
    context = caller(world).derive(body={"title": "new", "author": "u1", "tags": ["go", "js"]})
    query = world.planner.query(record.collection, context, rule=rule, row=virtual_row(record))
    assert bool(world.run(query.exists())) is expected


def test_nothing_refers_to_a_row_that_is_not_stored_yet(world):
    record = world.record("posts", title="new")
    with pytest.raises(FilterError):
        world.planner.query(
            record.collection, RequestContext(), rule="comments_via_post.id = ''", row=virtual_row(record)
        )


def test_the_virtual_row_of_an_auth_record_is_never_verified(world):
    row = virtual_row(world.record("users", verified=True))
    assert row["verified"] == 0
    assert row["id"]


def test_a_value_that_has_no_json_text_is_an_error_of_the_filter(world):
    deep = []
    for _ in range(5000):
        deep = [deep]
    query = world.query("", RequestContext(), rule="@request.body.x != 'a'")
    assert world.run(query.ids())
    for name in ("x", "meta"):
        with pytest.raises(FilterError):
            world.query("", RequestContext(body={name: deep}), rule=f"@request.body.{name} != 'a'")


@pytest.mark.parametrize(
    ("value", "text"),
    [({"b": 1.0, "a": [True, None]}, '{"a":[true,null],"b":1}'), ([2.5, "é"], '[2.5,"é"]')],
)
def test_lists_and_maps_are_compared_as_json_text(world, value, text):
    context = RequestContext(body={"x": value, "text": text})
    assert world.ids("", context, rule="@request.body.x = @request.body.text", ids=["p1"]) == "p1"


@pytest.mark.parametrize("value", ["\ud800", {"a": "\udfff"}, 2**80, [2**80], float("nan"), float("inf"), b"x"])
def test_odd_values_break_nothing(world, value):
    context = RequestContext(body={"x": value}, query={"q": "\ud800"})
    for sign in ("=", "!=", "~", ">"):
        world.ids("", context, rule=f"@request.body.x {sign} title || title {sign} @request.body.x")
        world.ids("", RequestContext(body={"labels": value}), rule=f"@request.body.labels {sign} labels")
        world.ids("", context, rule=f"@request.query.q {sign} title || title {sign} @request.query.q:lower")
