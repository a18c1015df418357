"""What a filter matches on single-valued fields: the tables of records.md 8.3 to 8.6, row by row, on a database."""

from __future__ import annotations

import pytest
from builtin_records.filter import FilterError

from pbhost.model import RequestContext


@pytest.fixture(autouse=True)
def rows(world):
    world.insert("teams", id="t1", name="Red")
    world.insert("users", id="u1", name="Ann", email="ann@x.io", emailVisibility=1, level=3, team="t1")
    world.insert("users", id="u2", name="", email="bob@x.io", team="gone")
    world.insert(
        "posts",
        id="p1",
        title="Go 50%",
        count=5,
        active=1,
        published="2024-05-01 10:00:00.000Z",
        meta={"a": "x", "n": 5, "t": True, "list": [1, {"b": "deep"}], "nil": None, "empty": ""},
        place={"lon": 23.32, "lat": 42.69},
        kind="a",
        labels=["x", "y"],
        author="u1",
        secret="s",
    )
    world.insert("posts", id="p2", title="a_b", count=0, meta='"text"', kind="", labels=[], author="u2")
    world.insert("posts", id="p3", title="", count=-2.5, meta="[1,2]", labels=["z"], author="")
    world.insert("posts", id="p4", title="1", count=1, meta=None, labels=["x"], author="gone")


EQUALITY = [
    ("title = 'Go 50%'", "p1"),
    ("'Go 50%' = title", "p1"),
    ("title != 'Go 50%'", "p2 p3 p4"),
    ("title = ''", "p3"),
    ("title = null", "p3"),
    ("title != ''", "p1 p2 p4"),
    ("'' != title", "p1 p2 p4"),
    ("title = 1", ""),  # a double against a text column is the text 1.0
    ("title = '1'", "p4"),
    ("count = 5", "p1"),
    ("count = '5'", "p1"),
    ("count = ''", ""),
    ("count = 0", "p2"),
    ("count != 5", "p2 p3 p4"),
    ("active = true", "p1"),
    ("active = TRUE", "p1"),
    ("active = false", "p2 p3 p4"),
    ("active != true", "p2 p3 p4"),
    ("'' = ''", "p1 p2 p3 p4"),
    ("'' = null", "p1 p2 p3 p4"),
    ("'' != null", ""),
    ("1 = 1", "p1 p2 p3 p4"),
    ("'a' = 'b'", ""),
    ("'a' != ''", "p1 p2 p3 p4"),
    ("author = 'u1'", "p1"),
    ("author.id = 'u1'", "p1"),
    ("author.id = 'gone'", "p4"),  # no join: the id as stored
    ("author.name = 'Ann'", "p1"),
    ("author.name = ''", "p2 p3 p4"),  # a missing relation is empty
    ("author.name != 'Ann'", "p2 p3 p4"),  # NULL is not 'Ann'
    ("author.team.name = 'Red'", "p1"),
    ("author.team = 'gone'", "p2"),
    ("title = kind", "p3"),
    ("kind = author", "p3"),
    ("kind != author", "p1 p2 p4"),
    ("author.name = kind", "p2 p3 p4"),
    ('labels = \'["x","y"]\'', "p1"),
    ("labels ~ 'x'", "p1 p4"),
    ("place.lon = 23.32", "p1"),
    ("place ~ '42.69'", "p1"),
    ("title = kind && count = 5 || title = '1'", "p4"),
    ("title = '1' || title = 'a_b' && count = 5", "p4"),
    ("(title = '1' || title = 'a_b') && count = 0", "p2"),
]
JSON = [
    ("meta.a = 'x'", "p1"),
    ("meta.a != 'x'", "p2 p3 p4"),
    ("meta.n = 5", "p1"),
    ("meta.n > 4", "p1"),
    ("meta.t = true", "p1"),
    ("meta.list.1.b = 'deep'", "p1"),
    ("meta.list.0 = 1", "p1"),
    ("meta.1 = 2", "p3"),
    ("meta.nil = null", "p1 p2 p3 p4"),
    ("meta.empty = null", "p2 p3 p4"),
    ("meta.empty = ''", "p1"),
    ("meta.a = null", "p2 p3 p4"),
    ("meta = 'text'", "p2"),
    ("meta = null", "p4"),
    ("meta != null", "p1 p2 p3"),
    ("meta ~ 'deep'", "p1"),
    ("meta.a:lower = 'x'", ""),  # the key `alower`
    ("meta:lower = 'text'", "p2"),
]
ORDER = [
    ("count > 0", "p1 p4"),
    ("count >= 0", "p1 p2 p4"),
    ("count < 0", "p3"),
    ("count <= -2.5", "p3"),
    ("author.level > 0", "p1"),
    ("author.level < 1", "p2"),  # a missing relation is NULL and never matches
    ("published > '2024-01-01'", "p1"),
    ("published < '2024-01-01'", "p2 p3 p4"),
    ("count ?> 0", "p1 p4"),
    ("5 = count", "p1"),
    ("1 < count", "p1"),
]
LIKE = [
    ("title ~ 'go'", "p1"),
    ("title ~ 'go%'", "p1"),
    ("title ~ '%go'", ""),
    (r"title ~ '50\%'", "p1"),
    ("title ~ 'a_b'", "p2"),
    ("title ~ '_'", "p2"),
    ("title ~ '%a_b'", "p2"),
    ("title !~ 'go'", "p2 p3 p4"),
    ("title ~ ''", "p1 p2 p3 p4"),
    ("title ~ 1", "p4"),
    ("count ~ 5", "p1 p3"),
    ("title ~ null", ""),
    ("title !~ null", ""),
    ("author.name !~ 'x'", "p1 p2"),  # NULL makes both false
    ("'xay' ~ kind", "p1 p2 p3 p4"),
    ("'xby' ~ kind", "p2 p3 p4"),
    ("title ~ true", "p4"),
]
MODIFIERS = [
    ("title:lower = 'go 50%'", "p1"),
    ("labels:length = 2", "p1"),
    ("labels:length = 0", "p2"),
    ("labels:length > 0", "p1 p3 p4"),
    ("kind:length = 0", "p2 p3 p4"),
    ("kind:length = 1", "p1"),
    ("author:length = 1", "p1 p2 p4"),
    ("title:length = '1'", "p4"),  # never multi-valued: ignored
    ("title:each = '1'", "p4"),
    ("title:isset = '1'", "p4"),
    ("title:changed = '1'", "p4"),
    ("kind:each = 'a'", "p1"),
    ("author.team.name:lower = 'red'", "p1"),
]
FUNCTIONS = [
    ("geoDistance(place.lon, place.lat, 23.33, 42.69) < 10", "p1"),
    ("geoDistance(place.lon, place.lat, 23.33, 42.69) > 10", "p2 p3 p4"),
    ("10 > geoDistance(23.33, 42.69, place.lon, place.lat)", "p1"),
    ("geoDistance(null, 1, 2, 3) = null", "p1 p2 p3 p4"),
    ("strftime('%Y-%m', published) = '2024-05'", "p1"),
    ("strftime('%Y-%m', published) = ''", "p2 p3 p4"),
    ("strftime('%Y-%m', published) != ''", "p1"),
    ("strftime('%Y', published, '+1 year') = '2025'", "p1"),
    ("'2024' = strftime('%Y', '2024-02-03')", "p1 p2 p3 p4"),
    ("strftime('%Y') = strftime('%Y', @now)", "p1 p2 p3 p4"),
    ("strftime('%Y', author.name) = ''", "p1 p2 p3 p4"),
    ("strftime('%s', 0) < 0", ""),
]
TABLES = {
    "equality": EQUALITY,
    "json": JSON,
    "order": ORDER,
    "like": LIKE,
    "modifiers": MODIFIERS,
    "functions": FUNCTIONS,
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [pytest.param(*case, id=f"{name}: {case[0]}") for name, table in TABLES.items() for case in table],
)
def test_a_filter_matches(world, text, expected):
    assert world.ids(text) == expected
    # The same text as a rule, whose literals are part of the compiled SQL.
    assert world.ids(rule=text) == expected


REFUSED = [
    "nothing = 1",
    "collectionId = 'x'",
    "collectionName = 'posts'",
    "expand = ''",
    "Title = 'x'",
    "title:upper = 'x'",
    "title:lower:each = 'x'",
    "title.x = 1",
    "title.x.y = 1",
    "labels.0 = 'x'",
    "author.nothing = 1",
    "author.name.x = 1",
    "comments_via_author.text = 'x'",
    "nothing_via_post.text = 'x'",
    "comments_via_nothing.text = 'x'",
    "meta. = 1",
    "meta..a = 1",
    "#title = 1",
    "@nothing = 1",
    "@request.nothing = 1",
    "@request.auth = 1",
    "@request.context:lower = 'x'",
    "@request.method:lower = 'x'",
    "@request.query.a:each = 1",
    "@request.headers.a:length = 1",
    "@request.body.title:each = 1",
    "@request.body.title:length = 1",
    "@request.body.nothing:changed = true",
    "@request.body.nothing:length = 1",
    "@request.body.nothing:each = 1",
    "@request.query.a:upper = 1",
    "@collection.nothing.id = 1",
    "@collection.tags = 1",
    "@collection.tags.nothing = 1",
    "nothing(title) = 1",
    "geoDistance(1, 2, 3) = 1",
    "geoDistance(1, 2, 3, '4') = 1",
    "geoDistance(1, 2, 3, strftime('%s')) = 1",
    "strftime() = 1",
    "strftime(1) = 1",
    "strftime(title) = 1",
    "strftime('%Y', published, title) = 1",
    "strftime('1','2','3','4','5','6','7','8','9','10','11') = 1",
    "comments_via_post." * 7 + "id = 1",
    "author." + "team." + "parent." * 5 + "name = 1",
    "author." + "team." + "parent." * 5 + "id = 1",
]


@pytest.mark.parametrize("text", REFUSED)
def test_a_filter_is_refused(world, text):
    with pytest.raises(FilterError):
        world.query(text)
    with pytest.raises(FilterError):
        world.planner.check_rule(world.collections["posts"], text)


def test_six_relations_are_allowed(world):
    assert world.ids("author.team." + "parent." * 4 + "name = ''") == "p1 p2 p3 p4"
    assert world.ids("author.team." + "parent." * 4 + "id = ''") == "p1 p2 p3 p4"
    assert world.ids("author.team." + "parent." * 4 + "parent = ''") == "p1 p2 p3 p4"


MACROS = [
    "@now > '2024-01-01' && @now < @tomorrow && @yesterday < @now",
    "@todayStart <= @now && @now <= @todayEnd && @todayStart ~ ' 00:00:00.000Z' && @todayEnd ~ ' 23:59:59.999Z'",
    "@monthStart <= @todayStart && @todayEnd <= @monthEnd && @monthStart ~ '-01 00:00:00.000Z'",
    "@yearStart <= @monthStart && @monthEnd <= @yearEnd && @yearStart ~ '-01-01 ' && @yearEnd ~ '-12-31 23:59:59.999Z'",
    "@second >= 0 && @second <= 59 && @minute >= 0 && @hour >= 0 && @hour <= 23",
    "@day >= 1 && @day <= 31 && @weekday >= 0 && @weekday <= 6 && @month >= 1 && @month <= 12 && @year > 2023",
    "strftime('%Y-%m', @now) = strftime('%Y-%m', @monthStart)",
]


@pytest.mark.parametrize("text", MACROS)
def test_macros_are_values_of_the_moment(world, text):
    assert world.ids(text) == "p1 p2 p3 p4"


def test_code_binds_values_by_name(world):
    def ids(filter, **values):
        sql = world.planner.query(world.collections["posts"], RequestContext(), filter=filter, values=values).ids()
        return " ".join(sorted(str(row[0]) for row in world.run(sql)))

    assert ids("title = {:t}", t="a_b") == "p2"
    assert ids("title = {:t}", t="") == "p3"
    assert ids("title != {:t}", t="") == "p1 p2 p4"
    assert ids("title = {:t}", t=None) == "p3"
    assert ids("count > {:n}", n=1) == "p1"
    assert ids("active = {:b}", b=True) == "p1"
    with pytest.raises(FilterError):
        ids("title = {:t}", other="x")
    with pytest.raises(FilterError):
        world.query("title = {:t}")


def test_a_quote_in_a_value_stays_a_value(world):
    world.insert("posts", id="p5", title="' OR 1=1 --")
    assert world.ids('title = "\' OR 1=1 --"') == "p5"
    assert world.ids("title = '\\' OR 1=1 --'") == "p5"
