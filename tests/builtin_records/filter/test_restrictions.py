"""What a client's filter and sort may use, and what a joined collection's list rule does to it (records.md 8.9)."""

from __future__ import annotations

import pytest
from builtin_records.filter import Access, FilterError, ForbiddenFilter

from pbhost.model import Collection, Record, RequestContext

CLIENT = Access.CLIENT


@pytest.fixture(autouse=True)
def rows(world):
    world.insert("teams", id="t1", name="Red")
    world.insert("tags", id="go", name="go", rank=1)
    world.insert("tags", id="js", name="js", rank=2)
    world.insert("users", id="u1", name="Ann", email="ann@x.io", emailVisibility=1, team="t1", notes="n")
    world.insert("users", id="u2", name="Bob", email="bob@x.io", team="t1")
    world.insert("posts", id="p1", title="one", author="u1", tags=["go"], secret="s")
    world.insert("posts", id="p2", title="two", author="u2", tags=["go", "js"])
    world.insert("posts", id="p3", title="three", tags=[])
    world.insert("comments", id="c1", post="p1", author="u2", secretPost="p2")


def superuser():
    return RequestContext(auth=Record(Collection(id="su", name="_superusers", type="auth"), {}))


@pytest.mark.parametrize(
    ("filter", "sort", "message"),
    [
        ("@collection.tags.name = 'go'", "", "Only superusers can filter by @collection."),
        ("@request.auth.id = 'x'", "", "Only superusers can filter by @request."),
        ("title = '@request.auth'", "", "Only superusers can filter by @request."),
        ("", "@collection.tags.name", "Only superusers can filter by @collection."),
        ("title = 1", "-@request.auth.id", "Only superusers can filter by @request."),
        ("not even @request. valid", "", "Only superusers can filter by @request."),
    ],
)
def test_request_and_collection_are_for_superusers(world, filter, sort, message):
    with pytest.raises(ForbiddenFilter) as caught:
        world.query(filter, sort=sort, access=CLIENT)
    assert caught.value.reason == message


def test_a_superuser_may_use_them(world):
    context = superuser()
    assert Access.of(context) is Access.SUPERUSER
    assert world.ids("@collection.tags.name ?= 'go' && @request.method = 'GET'", context) == "p1 p2 p3"


def test_a_superuser_who_is_treated_as_a_client_may_not_use_other_collections(world):
    with pytest.raises(FilterError):
        world.query("@collection.tags.name ?= 'go'", superuser(), access=CLIENT)
    assert world.ids("@request.method = 'GET' && title = 'one'", superuser(), access=CLIENT) == "p1"


HIDDEN = [
    "secret = 's'",
    "secret:lower = 's'",
    "hiddenTag.name = 'go'",
    "hiddenTag.id = 'go'",
    "author.notes = 'n'",
    "comments_via_secretPost.id = 'c1'",
    "author.tokenKey = 'x'",
    "strftime('%Y', secret) = '2024'",
    "geoDistance(secret, 1, 2, 3) = 1",
    "title = secret",
]


@pytest.mark.parametrize("text", HIDDEN)
def test_hidden_fields_are_not_for_clients(world, text):
    with pytest.raises(FilterError):
        world.query(text, access=CLIENT)
    world.query(text)
    world.query(rule=text, access=CLIENT)


def test_hidden_fields_cannot_be_sorted_by(world):
    with pytest.raises(FilterError):
        world.query(sort="secret", access=CLIENT)
    assert world.ids(sort="-secret,id") == "p1 p2 p3"


EMAIL = [
    ("author.email ~ 'x.io'", "p1"),
    ("author.email:lower = 'bob@x.io'", ""),
    ("author.email != ''", "p1"),
    ("'bob@x.io' = author.email", ""),
    ("author.email = author.email", "p1"),
    ("title = 'two' || author.email = 'bob@x.io'", "p2"),
    ("strftime('%Y', author.email) = ''", "p1"),
    ("geoDistance(author.email, 0, 0, 0) = null", "p1"),
]


@pytest.mark.parametrize(("text", "expected"), EMAIL)
def test_a_condition_on_an_email_holds_only_where_it_is_visible(world, text, expected):
    assert world.ids(text, access=CLIENT) == expected


def test_the_own_collections_email_is_guarded_too_but_sortable(world):
    assert world.ids("email ~ 'x.io'", collection="users", access=CLIENT) == "u1"
    assert world.ids("email ~ 'x.io'", collection="users") == "u1 u2"
    assert world.ids("email ~ 'x.io'", collection="users", rule="email ~ 'bob'") == "u2"
    assert world.ids(sort="-email", collection="users", access=CLIENT) == "u2 u1"


@pytest.mark.parametrize("text", ["author.name = ''", "author.team.name = 'Red'", "comments_via_post.author.name = ''"])
def test_a_locked_collection_cannot_be_joined(world, text):
    world.rule("users", None)
    with pytest.raises(FilterError):
        world.query(text, access=CLIENT)
    world.query(text)


def test_a_locked_collection_need_not_be_joined_for_the_id(world):
    world.rule("users", None)
    assert world.ids("author.id = 'u1'", access=CLIENT) == "p1"
    assert world.ids("author = 'u1'", access=CLIENT) == "p1"
    with pytest.raises(FilterError):
        world.query(sort="author.name", access=CLIENT)


def test_rows_whose_joined_row_fails_its_list_rule_disappear(world):
    world.rule("users", "name = 'Ann'")
    assert world.ids("author.name != 'x'", access=CLIENT) == "p1 p3"
    assert world.ids("title = 'two' || author.name = 'nobody'", access=CLIENT) == ""
    assert world.ids("title = 'two'", access=CLIENT) == "p2"
    assert world.ids(sort="author.name", access=CLIENT) == "p3 p1"
    assert world.ids("author.name != 'x'") == "p1 p2 p3"


def test_the_list_rule_of_a_joined_collection_may_join_itself(world):
    world.rule("users", "team.name = 'Red' && posts_via_author.title ?= 'one'")
    assert world.ids("author.name != 'x'", access=CLIENT) == "p1 p3"
    world.rule("users", "@request.auth.id = id")
    context = RequestContext(auth=world.record("users", id="u2"))
    assert world.ids("author.name != 'x'", context, access=CLIENT) == "p2 p3"


def test_the_joins_of_that_rule_are_its_own(world):
    # The filter and the rule may be satisfied by different posts of the author.
    world.insert("posts", id="p4", title="four", author="u1")
    world.rule("users", "posts_via_author.title ?= 'one'")
    assert world.ids("author.posts_via_author.title ?= 'four'", access=CLIENT) == "p1 p4"


def test_the_list_rule_holds_for_the_rows_of_a_multi_valued_path(world):
    world.rule("tags", "name = 'go'")
    assert world.ids("tags.rank ?> 0", access=CLIENT) == "p1 p2"
    assert world.ids("tags.rank ?> 1", access=CLIENT) == ""
    assert world.ids("tags.rank > 0", access=CLIENT) == "p1 p2"


def test_an_unusable_list_rule_of_a_joined_collection_is_an_error(world):
    world.rule("users", "nothing = 1")
    with pytest.raises(FilterError):
        world.query("author.name = 'Ann'", access=CLIENT)


def test_client_filters_have_a_length(world):
    long = "title = '" + "x" * 3485 + "'"
    assert len(long) == 3495
    world.query(long + "     ", access=CLIENT)
    for access in (CLIENT, Access.SUPERUSER):
        with pytest.raises(FilterError):
            world.query(long + "      ", access=access)
    world.query(long + " " * 5000, access=Access.CODE)
