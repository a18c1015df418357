"""``?fields=``: what stays of an answer."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbhost.errors import JSON
from pbhost.http.excerpt import excerpt
from pbhost.http.picker import FieldsError, parse_fields, pick

RECORD: JSON = {
    "id": "r1",
    "title": "<p>Hello <b>big</b> world</p>",
    "n": 5,
    "meta": {"a": 1, "b": {"c": 2, "d": 3}},
    "list": [{"x": 1, "y": 2}, {"x": 3}],
    "expand": {"author": {"id": "u1", "name": "Ann"}, "tags": [{"id": "t1", "name": "x"}]},
}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("id", {"id": "r1"}),
        (" id , n ", {"id": "r1", "n": 5}),
        ("nope", {}),
        ("meta", {"meta": {"a": 1, "b": {"c": 2, "d": 3}}}),
        ("meta.b.c", {"meta": {"b": {"c": 2}}}),
        ("meta.nope", {"meta": {}}),
        ("list.x", {"list": [{"x": 1}, {"x": 3}]}),
        ("list.y", {"list": [{"y": 2}, {}]}),
        ("meta.*", {"meta": {"a": 1, "b": {"c": 2, "d": 3}}}),
        ("meta.*,meta.b.c", {"meta": {"a": 1, "b": {"c": 2}}}),
        ("meta,meta.a", {"meta": {"a": 1, "b": {"c": 2, "d": 3}}}),
        ("expand.*.name", {"expand": {}}),
        ("id,expand.author.name", {"id": "r1", "expand": {"author": {"name": "Ann"}}}),
        ("title:excerpt(5)", {"title": "Hello"}),
        ("title:excerpt(7, true)", {"title": "Hello b..."}),
        ("n:excerpt(1)", {"n": 5}),
        ("title:excerpt(100),id", {"id": "r1", "title": "Hello big world"}),
    ],
)
def test_pick(fields: str, expected: JSON) -> None:
    assert pick(RECORD, fields) == expected


def test_the_wildcard_keeps_the_rest_and_named_paths_narrow_theirs() -> None:
    assert isinstance(RECORD, dict)
    assert pick(RECORD, "*,expand.author.name") == {**RECORD, "expand": {"author": {"name": "Ann"}}}


def test_a_modifier_of_the_wildcard_changes_every_string() -> None:
    assert pick({"a": "<p>xyz</p>", "b": 1, "c": "abcdef"}, "*:excerpt(3)") == {"a": "xyz", "b": 1, "c": "abc"}


def test_the_paths_of_a_list_address_its_items_and_the_envelope_stays() -> None:
    page: JSON = {"items": [{"id": 1, "name": "a"}], "page": 1, "perPage": 30, "totalItems": 1, "totalPages": 1}
    assert pick(page, "name") == {**page, "items": [{"name": "a"}]}  # type: ignore[dict-item]  # page is a dict
    assert pick(page, "items.name") == {**page, "items": [{}]}  # type: ignore[dict-item]  # page is a dict


def test_an_array_is_addressed_element_by_element() -> None:
    assert pick([{"status": 200, "body": {"id": "a", "x": 1}}], "status,body.id") == [
        {"status": 200, "body": {"id": "a"}}
    ]


def test_an_empty_expression_keeps_everything() -> None:
    assert pick(RECORD, "  ") is RECORD


@pytest.mark.parametrize(
    "fields",
    [
        "title:foo",
        "title:excerpt",
        "title:excerpt(0)",
        "title:excerpt(-1)",
        "title:excerpt(a)",
        "t:excerpt(1,2,3)",
        "t:excerpt(5,maybe)",
        "a:",
        ".".join("a" * 40),
    ],
)
def test_invalid_modifiers(fields: str) -> None:
    with pytest.raises(FieldsError):
        pick(RECORD, fields)


@pytest.mark.parametrize(
    ("html", "limit", "expected"),
    [
        ("plain  text\n here", 50, "plain text here"),
        ("<p>a</p><p>b</p>", 50, "a b"),
        ("a<b>b</b>c", 50, "abc"),
        ("x<img src=y>y", 50, "xy"),
        ("a<script>var x = '<p>'</script>b<style>p{}</style>", 50, "ab"),
        ("a<br>b", 50, "ab"),
        ("<h1>T</h1> <div> x </div>", 50, "T x"),
        ("a &amp; b &lt;c&gt;", 50, "a & b <c>"),
        ("<svg><g><text>no</text></g></svg>yes", 50, "yes"),
        ("<button>no</button>yes", 50, "yes"),
        ("one two three", 7, "one two"),
        ("one two three", 4, "one"),
        ("éèà", 3, "éèà"),
        ("<p>unclosed", 50, "unclosed"),
        ("1 < 2", 50, "1 < 2"),
    ],
)
def test_excerpt(html: str, limit: int, expected: str) -> None:
    assert excerpt(html, limit) == expected


def test_an_ellipsis_only_where_something_was_cut() -> None:
    assert excerpt("one two", 7, with_ellipsis=True) == "one two"
    assert excerpt("one two three", 4, with_ellipsis=True) == "one..."


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_expression_and_no_text_crashes(fields: str, html: str) -> None:
    with contextlib.suppress(FieldsError):
        parse_fields(fields)
    assert len(excerpt(html, 10)) <= 10
