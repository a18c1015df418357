"""A slow and obvious evaluator of the filter language, written from records.md 8 and 9 alone.

Tables are lists of rows in memory, joins are nested loops, "no value contradicts" is a loop over all values. Nothing of
the compiler is used but the parser, whose tree is data. :func:`select` answers a list, :func:`holds` a rule about one
row.
"""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import TypeAlias

from builtin_records.filter import FilterError, parse
from builtin_records.filter.ast import Call, Comparison, Group, Identifier, Number, Operand, Operator, Text

from .values import (
    EMPTY,
    Affinity,
    Cell,
    Scalar,
    Truth,
    contains_pattern,
    equal,
    json_extract,
    json_items,
    json_length,
    like,
    like_pattern,
    lower,
    or_empty,
    ordered,
    same,
    shortest,
    sort_rank,
)

LIST_TYPES = ("select", "relation", "file")
MAX_HOPS = 6


class Refused(Exception):
    """The expression cannot be evaluated: 400."""


class Forbidden(Exception):
    """A client's text names ``@request.`` or ``@collection.``: 403."""


class TooLarge(Exception):
    """The join has too many rows to go through them one by one."""


#: Rows of joins per question.
MAX_JOINED = 20_000


# -- what is asked about -----------------------------------------------------------------------------------------------

#: A row as it is stored: SQLite's values by column.
Row: TypeAlias = Mapping[str, Scalar]


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field: what the language can see of it."""

    name: str
    type: str
    multiple: bool = False
    target: str = ""
    hidden: bool = False

    @property
    def affinity(self) -> Affinity:
        if self.type in ("number", "bool", "json", "geoPoint") or self.multiple:
            return Affinity.NUMERIC
        return Affinity.TEXT


@dataclass(kw_only=True)
class Table:
    """A collection with its rows."""

    name: str
    id: str
    fields: list[Field]
    rows: list[Row] = field(default_factory=list)
    is_auth: bool = False
    list_rule: str | None = ""
    #: Single columns with a unique index of their own.
    unique: frozenset[str] = frozenset()

    def field(self, name: str) -> Field | None:
        return next((item for item in self.fields if item.name == name), None)


@dataclass(frozen=True)
class JsonBody:
    """The submitted value of a json field: its text, and the value it stands for."""

    text: str | None
    value: object


@dataclass(kw_only=True)
class Request:
    """What ``@request`` speaks of."""

    context: str = "default"
    method: str = "GET"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] = field(default_factory=dict)
    #: The caller's collection and row, None for a guest.
    auth: tuple[Table, Row] | None = None
    now: datetime = datetime(2024, 2, 29, 13, 4, 5, 678_000, UTC)

    @property
    def is_superuser(self) -> bool:
        return self.auth is not None and self.auth[0].name == "_superusers"


@dataclass(frozen=True)
class World:
    """All collections."""

    tables: Sequence[Table]

    def find(self, name_or_id: str) -> Table | None:
        for table in self.tables:
            if name_or_id == table.id or name_or_id.lower() == table.name.lower():
                return table
        return None


# -- the two questions -------------------------------------------------------------------------------------------------


def select(
    world: World,
    table: Table,
    request: Request,
    *,
    rule: str = "",
    filter: str = "",
    sort: str = "",
    client: bool,
) -> tuple[list[Row], list[list[tuple[object, ...]]]]:
    """The rows that a list shows, and for each the sort keys that it may have (several for a multi-valued sort).

    Args:
        rule: trusted, never restricted.
        filter: of a client under restrictions if ``client``, else of a superuser.
        client: whether the restrictions of 8.9 apply.

    Raises:
        Forbidden, Refused: the list is an error.
    """
    if client and any(word in text for word in ("@collection.", "@request.") for text in (filter, sort)):
        raise Forbidden
    scope = Scope(world, table, request)
    conditions = [scope.condition(rule, client=False)] if rule else []
    if filter:
        conditions.append(scope.condition(filter, client=client))
    terms = [scope.sort_term(term.strip(), client=client) for term in sort.split(",")] if sort else []
    if len(terms) > 8:
        raise Refused
    found: list[Row] = []
    keys: list[list[tuple[object, ...]]] = []
    for row in table.rows:
        matching = [joined for joined in scope.joined(row) if _all(conditions, scope.checks, joined)]
        if matching:
            found.append(row)
            keys.append([tuple(sort_rank(term(joined).value) for term in terms) for joined in matching])
    return found, keys


def holds(
    world: World, table: Table, request: Request, row: Row, rule: str, *, virtual: bool = False, filter: str = ""
) -> bool:
    """Whether one row satisfies a rule (and a client's filter).

    Args:
        virtual: the row is not stored: its values are parameters, and nothing can refer to it.

    Raises:
        Forbidden, Refused: it cannot be evaluated.
    """
    scope = Scope(world, table, request, virtual=virtual)
    conditions = [scope.condition(rule, client=False)] if rule else []
    if filter:
        conditions.append(scope.condition(filter, client=True))
    return any(_all(conditions, scope.checks, joined) for joined in scope.joined(row))


def _all(
    conditions: Sequence[Callable[[Joined], Truth]], checks: Mapping[Chain, Callable[[Joined], bool]], joined: Joined
) -> bool:
    return all(condition(joined) for condition in conditions) and all(check(joined) for check in checks.values())


# -- joins -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Link:
    """One join: how it is told apart, which rows it finds, and for which table it counts (None: items of a list)."""

    name: tuple[str, ...]
    rows: Callable[[Row], Sequence[Row]] = field(compare=False)
    table: Table | None = field(default=None, compare=False)
    #: Whether it does not depend on the row before.
    anew: bool = False


#: The links from the base row to a joined row; the same chain is the same join.
Chain: TypeAlias = tuple[Link, ...]
#: One row of the join of everything: the row of each chain, None where a LEFT JOIN found nothing.
Joined: TypeAlias = Mapping[Chain, "Row | None"]


class Nature(Enum):
    """How a side takes part in equality."""

    EXPRESSION = auto()
    KNOWN = auto()
    EMPTY = auto()


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side of a comparison.

    Attributes:
        of: its value for a row of the join.
        many: all its values for the base row; None if it is not multi-valued.
        parameter: LIKE makes a pattern of it.
        guards: without which a client's comparison does not hold.
    """

    of: Callable[[Joined], Cell]
    nature: Nature = Nature.EXPRESSION
    strict: bool = False
    parameter: bool = False
    many: Callable[[Row], list[Cell]] | None = None
    guards: tuple[Callable[[Joined], Truth], ...] = ()


def constant(value: Scalar, nature: Nature, *, parameter: bool = False) -> Side:
    """A side that no row decides."""
    return Side(of=lambda joined: Cell(value), nature=nature, parameter=parameter)


def submitted(value: Scalar) -> Side:
    """A bound value: known unless it is empty."""
    return constant(value, Nature.EMPTY if value in (None, "") else Nature.KNOWN, parameter=value is not None)


NULL = constant(None, Nature.EMPTY)


@dataclass
class Place:
    """Where a path has come to."""

    table: Table
    chain: Chain = ()
    many: bool = False
    missing_is_null: bool = False

    def through(self, link: Link, *, many: bool = False) -> None:
        self.chain = (link,) if link.anew else (*self.chain, link)
        self.many = self.many or many
        if link.table is not None:
            self.table = link.table


@dataclass
class Scope:
    """Everything that one query joins. The base row has the empty chain."""

    world: World
    table: Table
    request: Request
    virtual: bool = False
    chains: list[Chain] = field(default_factory=list)
    #: List rules of the collections that a client joined.
    checks: dict[Chain, Callable[[Joined], bool]] = field(default_factory=dict)
    visited: int = 0

    def joined(self, row: Row) -> Iterator[Joined]:
        """Every row of the join of all chains onto a base row."""
        return self._extended({(): row}, self.chains)

    def _extended(self, joined: dict[Chain, Row | None], chains: Sequence[Chain]) -> Iterator[Joined]:
        if not chains:
            self.visited += 1
            if self.visited > MAX_JOINED:
                raise TooLarge
            yield joined
            return
        chain = chains[0]
        before = joined[chain[:-1]]
        found: Sequence[Row | None] = chain[-1].rows(before) if before is not None else ()
        for row in found or (None,):
            yield from self._extended({**joined, chain: row}, chains[1:])

    def join(self, chain: Chain) -> None:
        """Adds a chain, and what leads to it, once."""
        for end in range(1, len(chain) + 1):
            if chain[:end] not in self.chains:
                self.chains.append(chain[:end])

    # -- conditions ----------------------------------------------------------------------------------------------------

    def condition(self, text: str, *, client: bool) -> Callable[[Joined], Truth]:
        try:
            tree = parse(text)
        except FilterError as error:
            raise Refused(str(error)) from error
        return self._group(tree, client)

    def _group(self, tree: Group, client: bool) -> Callable[[Joined], Truth]:
        terms = [
            self._group(term, client) if isinstance(term, Group) else self._comparison(term, client)
            for term in tree.terms
        ]

        def of(joined: Joined) -> Truth:
            alternatives: list[list[Truth]] = [[terms[0](joined)]]
            for word, term in zip(tree.joins, terms[1:], strict=True):
                if word == "&&":
                    alternatives[-1].append(term(joined))
                else:
                    alternatives.append([term(joined)])
            return _or(_and(terms) for terms in alternatives)

        return of

    def _comparison(self, term: Comparison, client: bool) -> Callable[[Joined], Truth]:
        left, right = self.operand(term.left, client), self.operand(term.right, client)
        sign = term.operator.plain

        def of(joined: Joined) -> Truth:
            result = compare(left, left.of(joined), sign, right, right.of(joined))
            if not term.operator.is_any and (left.many or right.many):
                result = _and((result, not _contradicted(left, sign, right, joined)))
            return _and((result, *(guard(joined) for guard in left.guards + right.guards)))

        return of

    def sort_term(self, term: str, *, client: bool) -> Callable[[Joined], Cell]:
        name = term.lstrip("+-") if term[:1] in ("-", "+") else term
        if not re.fullmatch(r"\w[\w.:]*", name, re.ASCII):
            raise Refused
        side = self.operand(Identifier(name), client)
        if side.nature is not Nature.EXPRESSION:
            raise Refused
        return side.of

    # -- operands ------------------------------------------------------------------------------------------------------

    def operand(self, operand: Operand, client: bool) -> Side:
        match operand:
            case Number(value):
                return constant(float(value), Nature.KNOWN, parameter=True)
            case Text(value):
                return constant(value, Nature.KNOWN if value else Nature.EMPTY, parameter=True)
            case Identifier(name):
                return self._identifier(name, client)
            case Call("geoDistance", arguments):
                return self._geo_distance([self.operand(item, client) for item in arguments])
            case Call("strftime", arguments):
                return self._strftime([self.operand(item, client) for item in arguments])
        raise Refused

    def _identifier(self, name: str, client: bool) -> Side:
        if name in MACROS:
            return constant(MACROS[name](self.request.now), Nature.KNOWN, parameter=True)
        if name.startswith("@request."):
            return self._request(name.removeprefix("@request."), client)
        if name.startswith("@collection."):
            return self._other(name.removeprefix("@collection."), client)
        word = {"null": NULL, "true": constant(1, Nature.KNOWN), "false": constant(0, Nature.KNOWN)}.get(name.lower())
        if word is not None and self.table.field(name) is None:
            return word
        return self.path(name, Place(self.table), client)

    def path(self, text: str, place: Place, client: bool) -> Side:
        """A field path from a place (8.4)."""
        segments = text.split(".")
        for index, segment in enumerate(segments[:-1]):
            found = place.table.field(segment)
            if found is not None:
                self._allow(found, client)
                if found.type in ("json", "geoPoint"):
                    return self._json_path(place, found, segments[index + 1 :], client)
            if index == MAX_HOPS:
                raise Refused("too many hops")
            if found is None:
                if not self._back(place, segment, client):
                    return NULL
            elif found.type != "relation":
                raise Refused("not a relation")
            elif index == len(segments) - 2 and segments[-1] == "id" and not found.multiple:
                return self._column(place, found, "", client)
            else:
                self._forth(place, found)
        name, _, modifier = segments[-1].partition(":")
        found = place.table.field(name)
        if found is None:
            if place.missing_is_null:
                return NULL
            raise Refused("no such field")
        self._allow(found, client)
        return self._column(place, found, modifier, client)

    def _allow(self, found: Field, client: bool) -> None:
        if client and found.hidden:
            raise Refused("hidden")

    def _forth(self, place: Place, relation: Field) -> None:
        target = self._table(relation.target)
        name = relation.name
        if relation.multiple:
            place.through(self._each(name), many=True)
            place.through(
                Link(("item",), lambda row: [other for other in target.rows if other["id"] == row["value"]], target)
            )
        else:
            place.through(
                Link(("to", name), lambda row: [other for other in target.rows if other["id"] == row[name]], target)
            )

    def _back(self, place: Place, segment: str, client: bool) -> bool:
        found = re.fullmatch(r"(.+)_via_(.+)", segment)
        table = self.world.find(found[1]) if found else None
        relation = table.field(found[2]) if found and table else None
        if table is None or relation is None or relation.type != "relation" or relation.target != place.table.id:
            if place.missing_is_null:
                return False
            raise Refused("no such field or back-relation")
        self._allow(relation, client)
        if self.virtual and not place.chain:
            raise Refused("nothing refers to a virtual row")
        name = relation.name

        def rows(row: Row) -> list[Row]:
            if relation.multiple:
                return [other for other in table.rows if row["id"] in json_items(other[name])]
            return [other for other in table.rows if other[name] == row["id"]]

        unique = not relation.multiple and name in table.unique
        place.through(Link(("back", table.id, name), rows, table), many=not unique)
        return True

    def _each(self, name: str) -> Link:
        return Link(("each", name), lambda row: [{"value": item} for item in json_items(row[name])])

    def _column(self, place: Place, found: Field, modifier: str, client: bool) -> Side:
        if modifier not in ("", "each", "length", "lower", "isset", "changed"):
            raise Refused("no such modifier")
        name, is_list = found.name, found.type in LIST_TYPES
        if modifier == "each" and is_list:
            place.through(self._each(name), many=found.multiple)
            return self._at(place, lambda row: Cell(row["value"], Affinity.BLOB), client)

        at_base = not place.chain

        def of(row: Row) -> Cell:
            value = row[name]
            if found.type == "json":
                value = json_extract(value, [])
            if modifier == "lower":
                return Cell(lower(value))
            if modifier == "length" and is_list:
                return Cell(json_length(value))
            # What is extracted is the result of a call; the columns of a virtual row are parameters.
            typeless = found.type == "json" or (self.virtual and at_base)
            return Cell(value, Affinity.NONE if typeless else found.affinity)

        missing = Cell(0) if modifier == "length" and is_list else None
        guarded = client and name == "email" and place.table.is_auth
        return self._at(place, of, client, strict=found.type == "json", guarded=guarded, missing=missing)

    def _json_path(self, place: Place, found: Field, segments: Sequence[str], client: bool) -> Side:
        steps: list[str | int] = []
        for segment in segments:
            word = re.sub(r"\W", "", segment, flags=re.ASCII)
            steps.append(int(word) if word.isdecimal() else word)
        return self._at(place, lambda row: Cell(json_extract(row[found.name], steps)), client, strict=True)

    def _at(
        self,
        place: Place,
        of: Callable[[Row], Cell],
        client: bool,
        *,
        strict: bool = False,
        guarded: bool = False,
        nature: Nature = Nature.EXPRESSION,
        missing: Cell | None = None,
    ) -> Side:
        """The side whose value stands in the row that a path reaches; ``missing`` if there is none."""
        chain = place.chain
        self.join(chain)
        if client:
            for end in range(1, len(chain) + 1):
                self._check(chain[:end])
        nowhere = missing or Cell(None)

        def at(joined: Joined) -> Cell:
            row = joined[chain]
            return nowhere if row is None else of(row)

        def visible(joined: Joined) -> Truth:
            row = joined[chain]
            return None if row is None else row["emailVisibility"] == 1

        def all_values(row: Row) -> list[Cell]:
            alone = [chain[:end] for end in range(1, len(chain) + 1)]
            return [at(joined) for joined in self._extended({(): row}, alone)]

        return Side(
            of=at,
            nature=nature,
            strict=strict,
            many=all_values if place.many else None,
            guards=(visible,) if guarded else (),
        )

    def _check(self, chain: Chain) -> None:
        """Demands the list rule of a collection that a client's path joins (8.9)."""
        table = chain[-1].table
        if table is None or table.list_rule == "" or chain in self.checks:
            return
        if table.list_rule is None:
            raise Refused("locked")
        scope = Scope(self.world, table, self.request)
        condition = scope.condition(table.list_rule, client=False)

        def passes(joined: Joined) -> bool:
            row = joined[chain]
            return row is None or row["id"] == "" or any(condition(inner) for inner in scope.joined(row))

        self.checks[chain] = passes

    def _table(self, id_: str) -> Table:
        table = self.world.find(id_)
        if table is None:
            raise Refused("no such collection")
        return table

    # -- @collection, @request -----------------------------------------------------------------------------------------

    def _other(self, text: str, client: bool) -> Side:
        found = re.fullmatch(r"(\w+)(?::(\w+))?\.([\w.:]*\w)", text, re.ASCII)
        table = self.world.find(found[1]) if found else None
        if found is None or table is None or client:
            raise Refused
        place = Place(self.table)
        place.through(Link(("all", table.id, found[2] or ""), lambda row: table.rows, table, anew=True), many=True)
        return self.path(found[3], place, client)

    def _request(self, text: str, client: bool) -> Side:
        if text in ("context", "method"):
            return submitted(getattr(self.request, text))
        found = re.fullmatch(r"(auth|body|query|headers)\.([\w.:]*\w)", text, re.ASCII)
        if found is None:
            raise Refused
        match found[1]:
            case "auth":
                return self._auth(found[2], client)
            case "body":
                return self._body(found[2], client)
            case source:
                return self._static(source, found[2])

    def _static(self, source: str, path: str, submitted_for: Field | None = None) -> Side:
        path, _, modifier = path.partition(":")
        segments = path.split(".")
        values: object = getattr(self.request, source)
        if modifier == "isset":
            for segment in segments[:-1]:
                values = _member(values, segment)
            is_set = segments[-1] in values if isinstance(values, Mapping) else False
            return constant(int(is_set), Nature.KNOWN)
        if modifier not in ("", "lower"):
            raise Refused
        for segment in segments:
            values = _member(values, segment)
        if modifier == "lower":
            missing = "" if submitted_for is not None else None
            return submitted(missing if values is None else _lowered(values))
        if submitted_for is not None and submitted_for.type == "geoPoint" and isinstance(values, Mapping):
            return submitted(f'{{"lon":{shortest(values["lon"])},"lat":{shortest(values["lat"])}}}')
        twin = self.table.field(segments[-1])
        return submitted(_bound(values, is_number=twin is not None and twin.type == "number"))

    def _body(self, path: str, client: bool) -> Side:
        first, dot, rest = path.partition(".")
        name, _, modifier = first.partition(":")
        found = self.table.field(name)
        if dot:
            if found is not None and found.type == "relation":
                return self._submitted_relation(found, rest, client)
            return self._static("body", path)
        if modifier not in ("changed", "length", "each"):
            return self._static("body", path, found)
        if found is None:
            raise Refused
        if modifier == "changed":
            return self._changed(found, client)
        if found.type not in LIST_TYPES:
            raise Refused
        items = self._items(name)
        if modifier == "length":
            return constant(len(items), Nature.KNOWN, parameter=True)
        place = Place(self.table)
        place.through(
            Link(("submitted", name), lambda row: [{"value": item} for item in items], anew=True), many=found.multiple
        )
        return self._at(place, lambda row: Cell(row["value"], Affinity.BLOB), client, nature=Nature.KNOWN)

    def _items(self, name: str) -> list[str]:
        value = self.request.body.get(name)
        return [] if value is None else list(value) if isinstance(value, (list, tuple)) else [str(value)]

    def _changed(self, found: Field, client: bool) -> Side:
        if found.name not in self.request.body:
            return constant(0, Nature.KNOWN)
        new = self._static("body", found.name, found)
        old = self.path(found.name, Place(self.table), client)
        return Side(
            of=lambda joined: Cell(compare(new, new.of(joined), Operator.NOT_EQUAL, old, old.of(joined))), strict=True
        )

    def _submitted_relation(self, relation: Field, rest: str, client: bool) -> Side:
        ids = [item for item in self._items(relation.name) if item]
        if not ids:
            return NULL
        target = self._table(relation.target)
        place = Place(self.table, missing_is_null=True)
        rows = [row for row in target.rows if row["id"] in ids]
        place.through(
            Link(("submitted rows", relation.name), lambda row: rows, target, anew=True), many=relation.multiple
        )
        return self.path(rest, place, client)

    def _auth(self, path: str, client: bool) -> Side:
        if self.request.auth is None:
            return NULL
        table, row = self.request.auth
        name, _, modifier = path.partition(":")
        static: dict[str, Scalar] = {"collectionId": table.id, "collectionName": table.name}
        static |= {"id": row["id"], "email": row["email"]}
        static |= {"emailVisibility": bool(row["emailVisibility"]), "verified": bool(row["verified"])}
        if name in static:
            return submitted(_lowered(static[name]) if modifier == "lower" else static[name])
        place = Place(self.table, missing_is_null=True)
        rows = [other for other in table.rows if other["id"] == row["id"]]
        place.through(Link(("auth",), lambda _: rows, table, anew=True))
        return self.path(path, place, client)

    # -- functions -----------------------------------------------------------------------------------------------------

    def _geo_distance(self, arguments: Sequence[Side]) -> Side:
        if len(arguments) != 4:
            raise Refused

        def of(joined: Joined) -> Cell:
            return Cell(_kilometres([argument.of(joined).value for argument in arguments]))

        return Side(of=of, strict=True, guards=tuple(guard for side in arguments for guard in side.guards))

    def _strftime(self, arguments: Sequence[Side]) -> Side:
        many = [index for index, side in enumerate(arguments) if side.many]

        def of(joined: Joined) -> Cell:
            return Cell(_strftime([side.of(joined).value for side in arguments]))

        all_values = None
        if many:
            (at,) = many
            inner = arguments[at].many
            rest = [side.of({(): {}}).value if index != at else None for index, side in enumerate(arguments)]

            def all_values(row: Row) -> list[Cell]:
                return [Cell(_strftime([*rest[:at], cell.value, *rest[at + 1 :]])) for cell in inner(row)]

        return Side(of=of, many=all_values, guards=tuple(guard for side in arguments for guard in side.guards))


# -- comparison (8.3, 8.8) ---------------------------------------------------------------------------------------------


def compare(left: Side, a: Cell, sign: Operator, right: Side, b: Cell) -> Truth:
    """Two single values; the sides say how emptiness counts."""
    match sign:
        case Operator.EQUAL:
            return _equality(left, a, right, b)
        case Operator.NOT_EQUAL:
            return _inequality(left, a, right, b)
        case Operator.LIKE | Operator.NOT_LIKE:
            pattern = like_pattern(b.value) if right.parameter else contains_pattern(b.value)
            found = like(a.value, pattern)
            return found if sign is Operator.LIKE or found is None else not found
        case _:
            return ordered(a, sign.value, b)


def _equality(left: Side, a: Cell, right: Side, b: Cell) -> Truth:
    if left.strict or right.strict:
        return same(a, b)
    natures = (left.nature, right.nature)
    if natures == (Nature.EMPTY, Nature.EMPTY):
        return True
    if Nature.KNOWN in natures:
        return equal(_empty_as_text(left, a), _empty_as_text(right, b))
    if left.nature is Nature.EMPTY:
        return b.value is None or bool(equal(EMPTY, b))
    if right.nature is Nature.EMPTY:
        return a.value is None or bool(equal(a, EMPTY))
    return equal(or_empty(a), or_empty(b))


def _inequality(left: Side, a: Cell, right: Side, b: Cell) -> Truth:
    if Nature.KNOWN in (left.nature, right.nature) and not (left.strict or right.strict):
        return not same(_empty_as_text(left, a), _empty_as_text(right, b))
    return not _equality(left, a, right, b)


def _empty_as_text(side: Side, cell: Cell) -> Cell:
    return EMPTY if side.nature is Nature.EMPTY else cell


def _contradicted(left: Side, sign: Operator, right: Side, joined: Joined) -> bool:
    """Whether any value of a multi-valued side speaks against the comparison."""
    row = joined[()]
    assert row is not None
    if left.many and right.many:
        pairs = [(a, b) for a in left.many(row) for b in right.many(row)]
        sides = replace(left, parameter=False), replace(right, parameter=False)
    elif left.many:
        pairs = [(a, right.of(joined)) for a in left.many(row)]
        sides = replace(left, parameter=False), replace(right, strict=False)
    else:
        assert right.many is not None
        pairs = [(left.of(joined), b) for b in right.many(row)]
        sides = replace(left, strict=False), replace(right, parameter=False)
    return any(compare(sides[0], a, sign, sides[1], b) is False for a, b in pairs)


def _and(truths: Iterator[Truth] | Sequence[Truth]) -> Truth:
    truths = list(truths)
    return False if any(truth is False for truth in truths) else None if None in truths else True


def _or(truths: Iterator[Truth] | Sequence[Truth]) -> Truth:
    truths = list(truths)
    return True if any(truths) else None if None in truths else False


# -- values of the request ---------------------------------------------------------------------------------------------


def _member(value: object, segment: str) -> object:
    if isinstance(value, JsonBody):
        value = value.value
    if isinstance(value, Mapping):
        return value.get(segment)
    if isinstance(value, list) and segment.isdecimal():
        return value[int(segment)] if int(segment) < len(value) else None
    return None


def _bound(value: object, *, is_number: bool) -> Scalar:
    match value:
        case None:
            return None
        case str():
            try:
                return float(value) if is_number else value
            except ValueError:
                return value
        case bool():
            return value
        case int() | float():
            return float(value)
        case JsonBody(text):
            return text
        case _:
            return json.dumps(value, separators=(",", ":"), sort_keys=True)


def _lowered(value: object) -> Scalar:
    match value:
        case str():
            return lower(value)
        case bool() | int() | float():
            return shortest(value)
        case JsonBody(text):
            return lower(text)
        case _:
            return ""


# -- macros and functions ----------------------------------------------------------------------------------------------


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def _first(now: datetime, **parts: int) -> str:
    return _text(now.replace(hour=0, minute=0, second=0, microsecond=0, **parts))


def _last(now: datetime, **parts: int) -> str:
    return _text(now.replace(hour=23, minute=59, second=59, microsecond=999_000, **parts))


def _days_of_month(now: datetime) -> int:
    return next(day for day in (31, 30, 29, 28) if _is_day(now, day))


def _is_day(now: datetime, day: int) -> bool:
    try:
        now.replace(day=day)
    except ValueError:
        return False
    return True


MACROS: Mapping[str, Callable[[datetime], str | int]] = {
    "@now": _text,
    "@yesterday": lambda now: _text(now - timedelta(days=1)),
    "@tomorrow": lambda now: _text(now + timedelta(days=1)),
    "@second": lambda now: now.second,
    "@minute": lambda now: now.minute,
    "@hour": lambda now: now.hour,
    "@day": lambda now: now.day,
    "@weekday": lambda now: int(now.strftime("%w")),
    "@month": lambda now: now.month,
    "@year": lambda now: now.year,
    "@todayStart": _first,
    "@todayEnd": _last,
    "@monthStart": lambda now: _first(now, day=1),
    "@monthEnd": lambda now: _last(now, day=_days_of_month(now)),
    "@yearStart": lambda now: _first(now, month=1, day=1),
    "@yearEnd": lambda now: _last(now, month=12, day=31),
}


def _kilometres(values: Sequence[Scalar]) -> float | None:
    if not all(isinstance(value, (int, float)) for value in values):
        return None
    lon_a, lat_a, lon_b, lat_b = (math.radians(value) for value in values)
    cosine = math.cos(lat_a) * math.cos(lat_b) * math.cos(lon_b - lon_a) + math.sin(lat_a) * math.sin(lat_b)
    return 6371 * math.acos(cosine) if -1 <= cosine <= 1 else None


_scratch = sqlite3.connect(":memory:", check_same_thread=False)


def _strftime(values: Sequence[Scalar]) -> Scalar:
    marks = ", ".join("?" * len(values))
    ((result,),) = _scratch.execute(f"SELECT strftime({marks})", list(values))
    return result
