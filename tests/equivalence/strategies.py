"""Random schemas, rows, requests, filters and sorts for the reference evaluator and for pbhost alike."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TypeAlias

from hypothesis import strategies as st

from .values import Scalar
from .world import Field, JsonBody, Request, Row, Table, World

Draw: TypeAlias = st.DrawFn

TEXTS = ["", "a", "b", "A", "ab", "5", "5.0", "a%b", "a_b", "a\\b", "%", "\\%a", "x'y", "2024-02-29"]
NUMBERS = [0, 1, -1, 5, 2.5, 10, 1e15]
DATES = [
    "",
    "2024-02-29 13:04:05.678Z",
    "2024-02-29 00:00:00.000Z",
    "2024-03-01 00:00:00.000Z",
    "2023-12-31 23:59:59.999Z",
]
CHOICES = ["a", "b", "A", "5"]
LISTS = ["[]", '["a"]', '["b"]', '["a","b"]', '["A","5"]', '["5"]', '["a","a"]']
#: Texts of json columns as they are stored; the last ones are no JSON, or text that hand-made rows hold.
JSONS = [
    *(None, "null", '""', '"a"', '"5"', "5", "2.5", "true", "false", "[]", '["a",1]', '[{"a":1},null]'),
    *('{"a":1}', '{"a":null}', '{"a":""}', '{"a":"b"}', '{"a":{"b":"a"}}', '{"a":[1,"b"],"b":true}', "{}", "zz", ""),
]
POINTS = ['{"lon":0,"lat":0}', '{"lon":23.5,"lat":42.25}', '{"lon":-71,"lat":10}']
MACRO_NAMES = [
    *("@now", "@yesterday", "@tomorrow", "@second", "@minute", "@hour", "@day", "@weekday", "@month", "@year"),
    *("@todayStart", "@todayEnd", "@monthStart", "@monthEnd", "@yearStart", "@yearEnd"),
]
SIGNS = ["=", "!=", ">", ">=", "<", "<=", "~", "!~"]
SIZES = [3, 0, 1, 4, 5, 6]
KINDS = ["text", "number", "bool", "date", "json", "geoPoint", "select", "selects", "relation", "relations"]


# -- schema and rows ---------------------------------------------------------------------------------------------------


@st.composite
def worlds(draw: Draw, *, plain: bool = False) -> World:
    """Two to four collections with rows; some list rules are expressions or locked.

    Args:
        plain: only what the API itself would store.
    """
    count = draw(st.integers(2, 4))
    tables = [
        Table(name=f"c{index}", id=f"id_c{index}00000000", fields=[], is_auth=draw(st.integers(0, 3)) == 3)
        for index in range(count)
    ]
    for table in tables:
        table.fields = draw(_fields(count, table.is_auth))
        table.unique = frozenset(
            item.name
            for item in table.fields
            if item.type == "relation" and not item.multiple and draw(st.integers(0, 2)) == 2
        )
    ids = {
        table.id: [f"{'abcd'[index]}{row}" for row in range(draw(st.sampled_from(SIZES)))]
        for index, table in enumerate(tables)
    }
    for table in tables:
        taken: set[tuple[str, Scalar]] = set()
        for id_ in ids[table.id]:
            row = {item.name: draw(_value(item, ids, plain)) for item in table.fields}
            row["id"] = id_
            if table.is_auth:
                row["email"] = f"{id_}@example.com"
            for name in table.unique:
                if (name, row[name]) in taken:
                    row[name] = ""
                taken.add((name, row[name]))
            table.rows.append(row)
    world = World(tables)
    for table in tables:
        match draw(st.integers(0, 5)):
            case 5:
                table.list_rule = None
            case 3 | 4:
                table.list_rule = draw(expressions(world, table, trusted=True, most=2))
    return world


@st.composite
def _fields(draw: Draw, count: int, is_auth: bool) -> list[Field]:
    fields = [Field(name="id", type="text")]
    if is_auth:
        fields += [
            Field(name="email", type="email"),
            Field(name="emailVisibility", type="bool"),
            Field(name="verified", type="bool"),
        ]
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=2, max_size=6))
    for index, kind in enumerate(["relation", *kinds]):
        fields.append(
            Field(
                name=f"{kind[:3]}{index}",
                type=kind.removesuffix("s"),
                multiple=kind.endswith("s"),
                target=f"id_c{draw(st.integers(0, count - 1))}00000000" if kind.startswith("relation") else "",
                hidden=draw(st.integers(0, 11)) == 11,
            )
        )
    return fields


@st.composite
def _value(draw: Draw, item: Field, ids: dict[str, list[str]], plain: bool) -> Scalar:
    match item.type:
        case "text" | "email":
            return draw(st.sampled_from(TEXTS))
        case "number":
            return draw(st.sampled_from(NUMBERS))
        case "bool":
            return draw(st.integers(0, 1))
        case "date":
            return draw(st.sampled_from(DATES))
        case "json":
            return draw(st.sampled_from(JSONS[:-2] if plain else JSONS))
        case "geoPoint":
            return draw(st.sampled_from(POINTS))
        case "select":
            return draw(st.sampled_from(LISTS[:-1] if item.multiple else ["", *CHOICES]))
        case _:
            # Few targets, so that rows are referred to by several.
            known = ids[item.target][: draw(st.sampled_from([1, 2, 6]))]
            if not plain and draw(st.integers(0, 7)) == 7:
                known = ["gone", *known]
            if not item.multiple:
                return draw(st.sampled_from(["", *known]))
            some = draw(st.lists(st.sampled_from(known), max_size=3, unique=plain)) if known else []
            return json.dumps(some, separators=(",", ":"))


# -- requests ----------------------------------------------------------------------------------------------------------


@st.composite
def requests(draw: Draw, world: World, table: Table, *, body: bool = False) -> Request:
    """A caller with a query, headers and perhaps a body for a table."""
    callers: list[tuple[Table, Row] | None] = [None]
    callers += [(table, row) for table in world.tables if table.is_auth for row in table.rows]
    numbers = [item.name for item in table.fields if item.type == "number"]
    query = {"q": draw(st.sampled_from(TEXTS)), **{name: draw(st.sampled_from(["5", "", "x"])) for name in numbers[:1]}}
    return Request(
        method=draw(st.sampled_from(["GET", "PATCH"])),
        query=query,
        headers={"x_key": draw(st.sampled_from(["", "a", "B"]))},
        body=draw(bodies(world, table)) if body else {},
        auth=draw(st.sampled_from(callers)),
    )


@st.composite
def bodies(draw: Draw, world: World, table: Table) -> dict[str, object]:
    """Normalised values for some fields, and a key that is no field."""
    ids = {other.id: [str(row["id"]) for row in other.rows] for other in world.tables}
    body: dict[str, object] = {"other": draw(st.sampled_from(["", "a", 5.0, True, None, ["a", 1.0], {"x": "b"}]))}
    for item in table.fields:
        if item.name in ("id", "email") or draw(st.booleans()):
            continue
        stored = draw(_value(item, ids, plain=True))
        body[item.name] = _submitted(item, stored)
    return body


def _submitted(item: Field, stored: Scalar) -> object:
    match item.type:
        case "number":
            return float(str(stored))
        case "bool":
            return bool(stored)
        case "json":
            return JsonBody(None if stored in (None, "null") else str(stored), json.loads(str(stored or "null")))
        case "geoPoint":
            return json.loads(str(stored))
        case _:
            return json.loads(str(stored)) if item.multiple else stored


# -- expressions -------------------------------------------------------------------------------------------------------


@st.composite
def expressions(draw: Draw, world: World, table: Table, *, trusted: bool, most: int = 3) -> str:
    """A filter expression about a table.

    Args:
        trusted: whether it may name ``@request.`` and ``@collection.``.
    """
    if draw(st.integers(0, 4)) == 4:
        return draw(_about_one_row(world, table))
    # A path that several comparisons share is one join.
    shared = draw(paths(world, table))
    terms = [draw(_comparison(world, table, trusted, shared)) for _ in range(draw(st.integers(1, most)))]
    text = terms[0]
    for term in terms[1:]:
        word = draw(st.sampled_from(["||", "&&", "||"]))
        text = f"({text}) {word} {term}" if draw(st.booleans()) else f"{text} {word} {term}"
    return text


@st.composite
def _about_one_row(draw: Draw, world: World, table: Table) -> str:
    """Two conditions about the same row of a multi-valued path: with ``?`` one row must satisfy both."""
    first = draw(st.sampled_from(_steps(world, table)))
    found = world.find(first[1])
    assert found is not None
    left = f"{first[0]}.{draw(st.sampled_from(found.fields)).name}"
    right = f"{first[0]}.{draw(st.sampled_from(found.fields)).name}"
    signs = [draw(st.sampled_from(["?=", "?!=", "?>", "?<=", "?~", "=", "!="])) for _ in range(2)]
    literals = [draw(_literal_like(left)), draw(_literal_like(right))]
    return f"{left} {signs[0]} {literals[0]} && {right} {signs[1]} {literals[1]}"


def _steps(world: World, table: Table) -> list[tuple[str, str]]:
    """Every relation and back-relation of a table, with the id of its target."""
    steps = [(item.name, item.target) for item in table.fields if item.type == "relation"]
    for other in world.tables:
        steps += [
            (f"{other.name}_via_{item.name}", other.id)
            for item in other.fields
            if item.type == "relation" and item.target == table.id
        ]
    return steps


@st.composite
def _comparison(draw: Draw, world: World, table: Table, trusted: bool, shared: str) -> str:
    match draw(st.integers(0, 9)):
        case 0 | 1 | 2 | 3:
            left = draw(paths(world, table))
        case 4 | 5 | 6 | 7:
            left = _sibling(world, table, shared, draw(st.integers(0, 9)))
        case _:
            left = draw(_operand(world, table, trusted))
    match draw(st.integers(0, 9)):
        case 0 | 1 | 2 | 3 | 4:
            right = draw(_literal_like(left))
        case 5 | 6:
            right = draw(st.sampled_from(_kin(table, left)))
        case 7:
            right = _sibling(world, table, shared, draw(st.integers(0, 9)))
        case _:
            right = draw(_operand(world, table, trusted))
    if draw(st.integers(0, 5)) == 0:
        left, right = right, left
    any_of = draw(st.sampled_from(["", "", "?"]))
    return f"{left} {any_of}{draw(st.sampled_from(SIGNS))} {right}"


def _sibling(world: World, table: Table, path: str, index: int) -> str:
    """Another field of the row that a path reaches; the path itself where that is hard to say."""
    *segments, _last = path.split(".")
    for segment in segments:
        found = table.field(segment)
        if found is not None and found.type != "relation":
            return path
        target = world.find(found.target if found is not None else segment.partition("_via_")[0])
        if target is None:
            return path
        table = target
    item = table.fields[index % len(table.fields)]
    modifier = ":each" if item.type in ("select", "relation") and index % 2 else ""
    return ".".join([*segments, item.name]) + (modifier if item.name != "id" else "")


def _kin(table: Table, path: str) -> list[str]:
    """Fields of a table to compare a path with: of the same type, and json fields, which compare more strictly."""
    kind = path.rsplit(".", maxsplit=1)[-1][:3]
    alike = [item.name for item in table.fields if item.name.startswith(kind) and not item.multiple]
    tails = ("", ".a", ".b")
    strict = [item.name + tail for item in table.fields if item.type == "json" for tail in tails]
    return [*alike, *strict] or ["id"]


def _literal_like(path: str) -> st.SearchStrategy[str]:
    """Literals that values of a path may equal, to tell its rows apart."""
    last = path.rsplit(".", maxsplit=1)[-1]
    if last.endswith(":length"):
        return st.sampled_from(["1", "0", "2"])
    match last[:3]:
        case "num":
            return st.sampled_from([str(number) for number in NUMBERS if number != 1e15])
        case "boo" | "ema" | "ver":
            return st.sampled_from(["true", "false"])
        case "dat":
            return st.sampled_from([quoted(date) for date in DATES])
        case "sel":
            return st.sampled_from([quoted(choice) for choice in ["", *CHOICES, *LISTS[:4]]])
        case "rel" | "id" | "id:":
            return st.sampled_from([quoted(letter + digit) for letter in "abcd" for digit in ("0", "1", "")])
        case "tex":
            return st.sampled_from([quoted(text) for text in TEXTS])
        case _:
            return st.sampled_from(["1", "'a'", "'b'", "null", "true", "''", "5", "42.25", "-71"])


@st.composite
def _operand(draw: Draw, world: World, table: Table, trusted: bool) -> str:
    match draw(st.integers(0, 13 if trusted else 8)):
        case 0 | 1:
            return quoted(draw(st.sampled_from([*TEXTS, "a0", "b1", "ab%", "\\\\%"])))
        case 2:
            return draw(st.sampled_from(["0", "1", "5", "5.0", "-1", "2.5", "2024"]))
        case 3:
            return draw(st.sampled_from(["null", "true", "false", "NULL", "True"]))
        case 4:
            return draw(st.sampled_from(MACRO_NAMES))
        case 5:
            return draw(_functions(world, table))
        case 6 | 7 | 8:
            return draw(paths(world, table))
        case 9:
            other = draw(st.sampled_from(world.tables))
            alias = draw(st.sampled_from(["", "", ":x"]))
            return f"@collection.{other.name}{alias}.{draw(paths(world, other, hops=1))}"
        case 10:
            return draw(_auth_paths(world))
        case 11 | 12:
            return draw(_body_paths(world, table))
        case _:
            return draw(_static_paths(table))


@st.composite
def paths(draw: Draw, world: World, table: Table, *, hops: int = 3) -> str:
    """A field path from a table; now and then one that cannot be resolved."""
    segments: list[str] = []
    while len(segments) < hops and draw(st.booleans()):
        segment, target = draw(st.sampled_from(_steps(world, table)))
        segments.append(segment)
        found = world.find(target)
        assert found is not None
        table = found
    item = draw(st.sampled_from(table.fields))
    if item.type in ("json", "geoPoint") and draw(st.integers(0, 2)):
        tails = ["a", "b", "a.b", "0", "a.0", "0.a", "1"] if item.type == "json" else ["lon", "lat", "a"]
        return ".".join([*segments, item.name, draw(st.sampled_from(tails))])
    odd = draw(st.integers(0, 80))
    name = "missing" if odd == 1 else item.name
    common = (
        ["", "", "", ":lower"]
        if item.type not in ("select", "relation")
        else ["", ":each", ":each", ":length", ":lower"]
    )
    modifiers = [":odd", ":isset", ":each", ":length"] if odd == 2 else common
    modifier = draw(st.sampled_from(modifiers))
    if segments and name == "id" and modifier:
        modifier = ""  # whether `rel.id:lower` joins is not said
    return ".".join([*segments, name]) + modifier


@st.composite
def _functions(draw: Draw, world: World, table: Table) -> str:
    if draw(st.booleans()):
        time = draw(
            st.sampled_from(["'2024-02-29 13:04:05'", "@now", "0", *(f.name for f in table.fields if f.type == "date")])
        )
        shape = draw(st.sampled_from(["%Y", "%Y-%m", "%d", "%s", "%Q"]))
        more = draw(st.sampled_from(["", ", '+1 day'", ", 'start of month', '-1 day'"]))
        return f"strftime('{shape}', {time}{more})"
    points = [item.name for item in table.fields if item.type == "geoPoint"]
    if not points:
        return "geoDistance(0, 0, 23.5, 42.25)"
    return f"geoDistance({points[0]}.lon, {points[0]}.lat, 23.5, 42.25)"


@st.composite
def _auth_paths(draw: Draw, world: World) -> str:
    static = ["id", "email", "verified", "collectionName", "collectionId", "missing", "emailVisibility"]
    tables = [table for table in world.tables if table.is_auth]
    if not tables or draw(st.booleans()):
        return f"@request.auth.{draw(st.sampled_from(static))}"
    return f"@request.auth.{draw(paths(world, draw(st.sampled_from(tables)), hops=2))}"


@st.composite
def _body_paths(draw: Draw, world: World, table: Table) -> str:
    item = draw(st.sampled_from(table.fields))
    if item.type == "relation" and draw(st.booleans()):
        target = world.find(item.target)
        assert target is not None
        return f"@request.body.{item.name}.{draw(paths(world, target, hops=1))}"
    if item.type in ("json", "geoPoint") and draw(st.booleans()):
        return f"@request.body.{item.name}.{draw(st.sampled_from(['a', 'a.b', '0', 'lon']))}"
    modifiers = ["", "", ":isset", ":changed"]
    if item.type in ("select", "relation"):
        modifiers += [":each", ":length"]
    elif item.type in ("text", "number", "bool"):
        modifiers.append(":lower")
    return f"@request.body.{item.name}{draw(st.sampled_from(modifiers))}"


@st.composite
def _static_paths(draw: Draw, table: Table) -> str:
    number = next((item.name for item in table.fields if item.type == "number"), "q")
    return "@request." + draw(
        st.sampled_from(
            [
                *("context", "method", "query.q", "query.q:lower", "query.q:isset", "query.none", "query.none:isset"),
                *(f"query.{number}", "headers.x_key", "headers.x_key:lower", "headers.none"),
                *("body.other", "body.other.x", "body.other.1", "body.other:isset", "body.none", "body.other.x:isset"),
            ]
        )
    )


@st.composite
def sorts(draw: Draw, world: World, table: Table) -> str:
    """A sort of up to three terms, or none."""
    terms = [
        draw(st.sampled_from(["", "-", "+"])) + draw(paths(world, table, hops=2))
        for _ in range(draw(st.integers(0, 3)))
    ]
    return ",".join(terms)


def quoted(text: str) -> str:
    """A text literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


# -- questions ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ListQuestion:
    """A list: whose, of what, under which rule."""

    table: Table = field(repr=False)  # it is part of the world, which is shown beside
    request: Request
    client: bool
    rule: str
    filter: str
    sort: str


@st.composite
def list_questions(draw: Draw, world: World) -> ListQuestion:
    """A list of any caller."""
    table = draw(st.sampled_from(world.tables))
    client = draw(st.booleans())
    # A list request has no body of its own, but a realtime message or an update rule has.
    request = draw(requests(world, table, body=draw(st.booleans())))
    rule = draw(expressions(world, table, trusted=True, most=2)) if draw(st.integers(0, 2)) == 0 else ""
    trusted = not client or draw(st.integers(0, 20)) == 0
    filter = draw(expressions(world, table, trusted=trusted)) if not rule or draw(st.integers(0, 2)) == 0 else ""
    sort = draw(sorts(world, table)) if draw(st.integers(0, 2)) == 0 else ""
    return ListQuestion(table, request, client, rule, filter, sort)
