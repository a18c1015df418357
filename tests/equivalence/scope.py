"""What an expression says of a row: its conditions, and everything that its paths join (8.2 to 8.10)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from builtin_records.filter import FilterError, parse
from builtin_records.filter.ast import Call, Comparison, Group, Identifier, Number, Operand, Operator, Text

from .comparison import all_true, any_true, compare, contradicted
from .functions import MACROS, kilometres, strftime
from .joins import NULL, Chain, Joined, Link, Nature, Place, Side, constant, submitted
from .request_values import bound, lowered, member
from .values import Affinity, Cell, Scalar, Truth, json_extract, json_items, json_length, lower, shortest
from .world import Field, Refused, Request, Row, Table, TooLarge, World

LIST_TYPES = ("select", "relation", "file")
MAX_HOPS = 6
#: Rows of joins per question.
MAX_JOINED = 20_000


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
            return any_true(all_true(terms) for terms in alternatives)

        return of

    def _comparison(self, term: Comparison, client: bool) -> Callable[[Joined], Truth]:
        left, right = self.operand(term.left, client), self.operand(term.right, client)
        sign = term.operator.plain

        def of(joined: Joined) -> Truth:
            result = compare(left, left.of(joined), sign, right, right.of(joined))
            if not term.operator.is_any and (left.many or right.many):
                result = all_true((result, not contradicted(left, sign, right, joined)))
            return all_true((result, *(guard(joined) for guard in left.guards + right.guards)))

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
                values = member(values, segment)
            is_set = segments[-1] in values if isinstance(values, Mapping) else False
            return constant(int(is_set), Nature.KNOWN)
        if modifier not in ("", "lower"):
            raise Refused
        for segment in segments:
            values = member(values, segment)
        if modifier == "lower":
            missing = "" if submitted_for is not None else None
            return submitted(missing if values is None else lowered(values))
        if submitted_for is not None and submitted_for.type == "geoPoint" and isinstance(values, Mapping):
            return submitted(f'{{"lon":{shortest(values["lon"])},"lat":{shortest(values["lat"])}}}')
        twin = self.table.field(segments[-1])
        return submitted(bound(values, is_number=twin is not None and twin.type == "number"))

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
            return submitted(lowered(static[name]) if modifier == "lower" else static[name])
        place = Place(self.table, missing_is_null=True)
        rows = [other for other in table.rows if other["id"] == row["id"]]
        place.through(Link(("auth",), lambda _: rows, table, anew=True))
        return self.path(path, place, client)

    # -- functions -----------------------------------------------------------------------------------------------------

    def _geo_distance(self, arguments: Sequence[Side]) -> Side:
        if len(arguments) != 4:
            raise Refused

        def of(joined: Joined) -> Cell:
            return Cell(kilometres([argument.of(joined).value for argument in arguments]))

        return Side(of=of, strict=True, guards=tuple(guard for side in arguments for guard in side.guards))

    def _strftime(self, arguments: Sequence[Side]) -> Side:
        many = [index for index, side in enumerate(arguments) if side.many]

        def of(joined: Joined) -> Cell:
            return Cell(strftime([side.of(joined).value for side in arguments]))

        all_values = None
        if many:
            (at,) = many
            inner = arguments[at].many
            rest = [side.of({(): {}}).value if index != at else None for index, side in enumerate(arguments)]

            def all_values(row: Row) -> list[Cell]:
                return [Cell(strftime([*rest[:at], cell.value, *rest[at + 1 :]])) for cell in inner(row)]

        return Side(of=of, many=all_values, guards=tuple(guard for side in arguments for guard in side.guards))
