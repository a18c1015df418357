"""Small worlds in which nearly every comparison tells rows apart: few values, every row related to several others.

Wide random schemas rarely ask twice about one joined row, or compare two things that are missing. Here every path is a
multi-valued one half of the time, expressions come back to the same path, and values are empty or NULL as often as not.
"""

from __future__ import annotations

import json

from hypothesis import strategies as st

from .strategies import ListQuestion, quoted
from .values import Scalar
from .world import Field, JsonBody, Request, Row, Table, World

Draw = st.DrawFn

A, B = "id_a000000000000", "id_b000000000000"
WORDS = ["", "x", "y", "X"]
NUMBERS = [0, 1, 2]
TAGS = ["x", "y", "5"]
JSONS = [None, '""', '""', '"x"', '{"k":""}', '{"k":"x"}', '{"k":""}', '{"k":null}', '{"k":1}', "1"]
SIGNS = ["=", "!=", "=", "!=", ">", "<=", "~", "!~"]

#: Paths from a row of `a` to rows of `b`, and from `b` to `a`; the empty one is the row itself.
TO_B = ["ones", "one", "b_via_back", "b_via_backs", "ones.next", "one.nexts", "b_via_back.nexts", "b_via_sole"]
TO_A = ["back", "backs", "a_via_one", "a_via_ones", "next.back", "nexts.backs", "a_via_ones.one.back"]

#: Rows of a collection that have nothing to do with the row; an alias makes them others.
OTHERS = [
    ["@collection.a", "@collection.a"],
    ["@collection.b:x", "@collection.b:x"],
    ["@collection.b:x", "@collection.b:y"],
    ["@collection.b", "@collection.b:x"],
]


@st.composite
def dense_worlds(draw: Draw) -> World:
    """Two collections of a few rows that refer to each other in every way there is."""
    a = Table(name="a", id=A, fields=_fields("a"), is_auth=True)
    b = Table(name="b", id=B, fields=_fields("b"), unique=frozenset(("sole",)))
    ids = {A: [f"a{index}" for index in range(draw(st.integers(1, 4)))], B: [f"b{index}" for index in range(3)]}
    for table in (a, b):
        taken: set[Scalar] = set()
        for id_ in ids[table.id]:
            row: dict[str, Scalar] = {item.name: draw(_value(item, ids)) for item in table.fields}
            row["id"] = id_
            if "sole" in row:
                row["sole"] = "" if row["sole"] in taken else row["sole"]
                taken.add(row["sole"])
            table.rows.append(row)
    world = World([a, b])
    for table in (a, b):
        match draw(st.integers(0, 9)):
            case 8:
                table.list_rule = draw(dense_expressions(table, trusted=True, most=2))
            case 9:
                table.list_rule = "t != 'y'"
    return world


def _fields(name: str) -> list[Field]:
    fields = [Field(name="id", type="text"), Field(name="t", type="text"), Field(name="n", type="number")]
    fields += [Field(name="tags", type="select", multiple=True), Field(name="j", type="json")]
    if name == "a":
        fields += [Field(name="email", type="email"), Field(name="emailVisibility", type="bool")]
        fields += [Field(name="verified", type="bool")]
        fields += [Field(name="one", type="relation", target=B)]
        return [*fields, Field(name="ones", type="relation", target=B, multiple=True)]
    fields += [Field(name="back", type="relation", target=A), Field(name="sole", type="relation", target=A)]
    fields += [
        Field(name="backs", type="relation", target=A, multiple=True),
        Field(name="next", type="relation", target=B),
    ]
    return [*fields, Field(name="nexts", type="relation", target=B, multiple=True)]


@st.composite
def _value(draw: Draw, item: Field, ids: dict[str, list[str]]) -> Scalar:
    match item.type:
        case "number":
            return draw(st.sampled_from(NUMBERS))
        case "bool":
            return draw(st.integers(0, 1))
        case "json":
            return draw(st.sampled_from(JSONS))
        case "relation" | "select":
            known = TAGS if item.type == "select" else ids[item.target]
            if not item.multiple:
                return draw(st.sampled_from(["", "gone", *known, *known]))
            some: list[str | None] = draw(st.lists(st.sampled_from(known), max_size=3, unique=True))
            if draw(st.integers(0, 3)) == 0:
                some.append(None)  # only a row made by hand has that
            text = json.dumps(some, separators=(",", ":"))
            # Rows made by hand hold what the language has to make sense of, too.
            return draw(st.sampled_from([text] * 12 + [f" {text}", "x", "[x"]))
        case "email":
            return draw(st.sampled_from(["x@x.io", "y@x.io"]))
        case _:
            return draw(st.sampled_from(WORDS))


@st.composite
def dense_expressions(draw: Draw, table: Table, *, trusted: bool, most: int = 4) -> str:
    """Comparisons of which several go the same way, joined and grouped at random."""
    if draw(st.integers(0, 4)) == 0:
        return draw(_two_at_once(table, trusted))
    ways = [draw(st.sampled_from(_ways(table)))]
    if draw(st.integers(0, 2)) == 0:
        ways.append(draw(st.sampled_from(_ways(table))))
    if trusted and draw(st.integers(0, 3)) == 0:
        ways += draw(st.sampled_from([*OTHERS, ["@request.body.ones"] * 2]))
    terms = [draw(_comparison(table, ways, trusted)) for _ in range(draw(st.integers(1, most)))]
    text = terms[0]
    for term in terms[1:]:
        word = draw(st.sampled_from(["&&", "&&", "||"]))
        match draw(st.integers(0, 3)):
            case 0:
                text = f"({text}) {word} {term}"
            case 1:
                text = f"{term} {word} ({text})"
            case _:
                text = f"{text} {word} {term}"
    return text


@st.composite
def _two_at_once(draw: Draw, table: Table, trusted: bool) -> str:
    """Two comparisons of rows that are the same row, or just not."""
    pairs = [[way, way] for way in _ways(table)]
    first, second = draw(st.sampled_from([*pairs, *OTHERS, *OTHERS] if trusted else pairs))
    texts = [f"{way}.t ?{draw(st.sampled_from(['=', '!=', '~']))} {draw(_literal('t'))}" for way in (first, second)]
    return " && ".join(texts)


def _ways(table: Table) -> list[str]:
    return TO_B if table.id == A else TO_A


@st.composite
def _comparison(draw: Draw, table: Table, ways: list[str], trusted: bool) -> str:
    if draw(st.integers(0, 3)) == 0:
        return draw(_strict([*ways, "b_via_sole"] if table.id == A else ways))
    left = draw(_end(draw(st.sampled_from([*ways, *ways, ""]))))
    kind = _kind(left)
    match draw(st.integers(0, 9)):
        case 0 | 1 | 2 | 3 | 4 | 5:
            right = draw(_literal(kind))
        case 6:
            right = draw(_end(draw(st.sampled_from(ways)), kind))
        case 7 if trusted:
            right = draw(_of_request(kind))
        case _:
            # The plain text of the row itself stands for the most common case, which has SQL of its own.
            right = "t" if kind == "t" and draw(st.booleans()) else draw(_end("", draw(st.sampled_from([kind, "j"]))))
    if draw(st.integers(0, 4)) == 0:
        left, right = right, left
    any_of = draw(st.sampled_from(["?", "?", ""]))
    return f"{left} {any_of}{draw(st.sampled_from(SIGNS))} {right}"


@st.composite
def _strict(draw: Draw, ways: list[str]) -> str:
    """A json value, which tells NULL from an empty text, and one that does not; one of them is multi-valued."""
    way = draw(st.sampled_from(ways))
    strict = draw(st.sampled_from(["j", "j.k", "j.k"]))
    sides = (
        [f"{way}.t", strict] if draw(st.booleans()) else [f"{way}.{strict}", draw(st.sampled_from(["t", "''", "null"]))]
    )
    if draw(st.booleans()):
        sides.reverse()
    return f"{sides[0]} {draw(st.sampled_from(['!=', '!=', '=']))} {sides[1]}"


@st.composite
def _end(draw: Draw, way: str, kind: str = "") -> str:
    """A field at the end of a way."""
    names = ["t", "t", "n", "tags:each", "tags:length", "j.k", "j", "id", "t:lower"]
    if kind:
        names = [name for name in names if _kind(name) == kind] or names
    name = draw(st.sampled_from(names))
    if way.startswith("@request.body.") and name.startswith("tags"):
        name = "t"
    if name == "id" and not way:
        name = "t"
    if name == "t" and way.endswith(("back", "backs", "a_via_one")) and draw(st.integers(0, 9)) == 0:
        name = "email"
    return f"{way}.{name}" if way else name


def _kind(path: str) -> str:
    last = path.rsplit(".", maxsplit=1)[-1]
    return {"k": "j", "tags:each": "t", "tags:length": "n", "t:lower": "t", "email": "t"}.get(last, last)


def _literal(kind: str) -> st.SearchStrategy[str]:
    match kind:
        case "n":
            return st.sampled_from(["0", "1", "2", "''", "null"])
        case "j":
            return st.sampled_from(["'x'", "''", "null", "1", "'y'"])
        case "id":
            return st.sampled_from([quoted(id_) for id_ in ("b0", "b1", "a0", "a1", "")])
        case _:
            return st.sampled_from(["'x'", "'y'", "'x'", "''", "null", "'X'", "'5'", "5"])


def _of_request(kind: str) -> st.SearchStrategy[str]:
    names = [
        "auth.t",
        "auth.j.k",
        "auth.ones.t",
        "auth.id",
        "query.q",
        "body.t",
        "body.t:lower",
        "body.none",
        "auth.email",
    ]
    names += ["body.tags:each", "body.tags:length", "body.ones:length", "body.one:length", "body.ones.t", "body.one.t"]
    flags = [f"body.{name}:{word}" for name in ("t", "n", "one", "tags") for word in ("isset", "changed")]
    return st.sampled_from([f"@request.{name}" for name in (*names, *(flags if kind == "n" else ()))])


@st.composite
def dense_requests(draw: Draw, world: World) -> Request:
    """A caller with a body that changes some of a row, now and then to nothing."""
    a = world.tables[0]
    callers: list[tuple[Table, Row] | None] = [None, *((a, row) for row in a.rows)]
    body: dict[str, object] = {}
    if draw(st.booleans()):
        body["t"] = draw(st.sampled_from(WORDS))
    if draw(st.booleans()):
        body["n"] = float(draw(st.sampled_from(NUMBERS)))
    if draw(st.booleans()):
        body["tags"] = draw(st.lists(st.sampled_from(TAGS), max_size=2, unique=True))
    if draw(st.booleans()):
        body["one"] = draw(st.sampled_from(["", "b0", "b1"]))
        body["ones"] = draw(st.lists(st.sampled_from(["b0", "b1", "b2"]), max_size=2, unique=True))
    if draw(st.booleans()):
        stored = draw(st.sampled_from(JSONS))
        body["j"] = JsonBody(None if stored is None else stored, json.loads(stored or "null"))
    query = {"q": draw(st.sampled_from(WORDS))}
    return Request(query=query, body=body, auth=draw(st.sampled_from(callers)))


@st.composite
def dense_questions(draw: Draw, world: World) -> ListQuestion:
    """A list of either collection: a rule, a filter, or both over the same paths."""
    table = draw(st.sampled_from(world.tables))
    client = draw(st.booleans())
    rule = draw(dense_expressions(table, trusted=True)) if draw(st.integers(0, 1)) else ""
    filter = draw(dense_expressions(table, trusted=not client)) if not rule or draw(st.integers(0, 1)) else ""
    sort = ""
    if draw(st.integers(0, 3)) == 0:
        sort = draw(st.sampled_from(["", "-"])) + draw(_end(draw(st.sampled_from(_ways(table)))))
    return ListQuestion(table, draw(dense_requests(world)), client, rule, filter, sort)
