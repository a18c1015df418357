"""``expand``: related records, level by level, each level in one query (records.md 11)."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from pbhost.database import Connection, Row
from pbhost.errors import DatabaseError
from pbhost.model import Collection, Field, RequestContext

from ..filter import FilterError
from ..indexes import unique_column_index
from .codec import Codecs
from .fieldrules import FieldRules
from .queries import Queries, chunks

if TYPE_CHECKING:
    from pbhost.app import App

log = logging.getLogger("pbhost.records")

MAX_DEPTH = 6
#: Ids that a back-relation collects per record.
MAX_REFERRERS = 1000
#: Records in one answer, each counted as often as it stands there. Back-relations of back-relations multiply.
MAX_EXPANDED = 100_000

Node = TypeVar("Node")


@dataclass(slots=True)
class ExpandTree:
    """The segments wanted at one level, each with what is wanted below it."""

    children: dict[str, ExpandTree] = field(default_factory=dict)


def parse_expand(text: str) -> ExpandTree | None:
    """The tree of an ``expand`` parameter; None if it asks for nothing.

    A path that is the beginning of a longer one is dropped, even if the longer one will fail.
    """
    if not text:
        return None
    paths = {path for part in text.replace(" ", "").split(",") if (path := part.strip("."))}
    prefixes = {path[:end] for path in paths for end in range(len(path)) if path[end] == "."}
    root = ExpandTree()
    for path in sorted(paths - prefixes):
        level = root
        for segment in path.split(".")[:MAX_DEPTH]:
            level = level.children.setdefault(segment, ExpandTree())
    return root if root.children else None


class Builder(Protocol[Node]):
    """What expanded records become: JSON objects, or Record objects when hooks want to see them."""

    def build(
        self, connection: Connection, collection: Collection, rows: Sequence[Row], context: RequestContext
    ) -> list[Node]:
        """A node for each row, enriched for the caller, without its expand."""
        ...

    def attach(self, node: Node, segment: str, value: Node | list[Node] | None) -> None:
        """Puts related nodes under a segment; None only marks that an expand was processed."""
        ...


@dataclass(frozen=True, slots=True)
class _Relation:
    """A segment: a relation field of the collection, or of another one that points back to it."""

    target: Collection
    field: Field
    is_back: bool
    is_single: bool


@dataclass(frozen=True, slots=True)
class _Found(Generic[Node]):
    """What a segment led to: the related ids of each row, and the nodes of those that the caller may see."""

    links: dict[str, list[str]]
    nodes: dict[str, Node]


@dataclass(frozen=True, slots=True)
class Source:
    """Where expanded rows come from."""

    app: App
    queries: Queries
    codecs: Codecs
    field_rules: FieldRules


class _TooMuch(Exception):
    """The answer would hold more records than anybody can want."""


class Expander(Generic[Node]):
    """Expands the records of one answer."""

    def __init__(
        self,
        source: Source,
        builder: Builder[Node],
        connection: Connection,
        context: RequestContext,
    ) -> None:
        self._app = source.app
        self._queries = source.queries
        self._codecs = source.codecs
        self._field_rules = source.field_rules
        self._builder = builder
        self._connection = connection
        self._context = context.derive(context="expand")
        self._weights: dict[int, int] = {}

    def expand(self, collection: Collection, rows: Sequence[Row], nodes: Sequence[Node], tree: ExpandTree) -> None:
        """Attaches what a tree asks for; failures are logged, never raised."""
        try:
            self._level(collection, rows, nodes, tree)
        except _TooMuch:
            log.warning("an expand of %r was given up: it would hold too many records", collection.name)
        except (FilterError, DatabaseError) as error:
            log.warning("an expand of %r failed: %s", collection.name, error)

    def _level(self, collection: Collection, rows: Sequence[Row], nodes: Sequence[Node], tree: ExpandTree) -> bool:
        """Returns whether any path of the tree was processed without failing as a whole."""
        if not rows:
            return True
        processed = False
        own_index = self._codecs.of(collection).id_index
        for segment, below in tree.children.items():
            relation = self._relation(collection, segment)
            if relation is None:
                continue
            try:
                links, related = self._fetch(collection, relation, rows)
            except (FilterError, DatabaseError) as error:
                log.info("expand %r of %r failed: %s", segment, collection.name, error)
                continue
            found = list(related)
            target_nodes = self._builder.build(self._connection, relation.target, found, self._context)
            if below.children and not self._level(relation.target, found, target_nodes, below):
                continue
            processed = True
            id_index = self._codecs.of(relation.target).id_index
            by_id = {str(row[id_index]): node for row, node in zip(found, target_nodes, strict=True)}
            ids = [str(row[own_index]) for row in rows]
            self._attach(ids, nodes, segment, relation.is_single, _Found(links, by_id))
        if processed:
            for node in nodes:
                self._builder.attach(node, "", None)
        return processed

    def _attach(
        self, ids: Sequence[str], nodes: Sequence[Node], segment: str, is_single: bool, found: _Found[Node]
    ) -> None:
        for id_, node in zip(ids, nodes, strict=True):
            present = [found.nodes[other] for other in found.links.get(id_, ()) if other in found.nodes]
            if present:
                self._weigh(node, present)
                self._builder.attach(node, segment, present[0] if is_single else present)

    def _weigh(self, node: Node, present: Iterable[Node]) -> None:
        weights = self._weights
        weight = weights.get(id(node), 1) + sum(weights.get(id(item), 1) for item in present)
        if weight > MAX_EXPANDED:
            raise _TooMuch
        weights[id(node)] = weight

    # -- schema ------------------------------------------------------------------------------------------------------

    def _relation(self, collection: Collection, segment: str) -> _Relation | None:
        """What a segment stands for; None if the path fails: no such relation, or one to a locked collection."""
        own = collection.field(segment)
        if own is not None:
            target = self._target(own)
            return self._admitted(_Relation(target, own, False, not own.is_multiple)) if target else None
        name, via, field_name = segment.rpartition("_via_")
        if not via and segment.endswith(")"):
            name, via, field_name = segment[:-1].partition("(")
        owner = self._app.collections.find(name) if via and name else None
        back = owner.field(field_name) if owner is not None else None
        if owner is None or back is None or getattr(back, "collection_id", None) != collection.id:
            return None
        if back.type != "relation":
            return None
        is_single = unique_column_index(owner.indexes, back.name) is not None
        return self._admitted(_Relation(owner, back, True, is_single))

    def _target(self, relation: Field) -> Collection | None:
        target = getattr(relation, "collection_id", None) if relation.type == "relation" else None
        return self._app.collections.find(target) if isinstance(target, str) and target else None

    def _admitted(self, relation: _Relation) -> _Relation | None:
        locked = relation.target.view_rule is None and not self._context.is_superuser
        return None if locked else relation

    # -- rows --------------------------------------------------------------------------------------------------------

    def _fetch(
        self, collection: Collection, relation: _Relation, rows: Sequence[Row]
    ) -> tuple[dict[str, list[str]], list[Row]]:
        """The related ids of each row, in order, and the rows of those that the caller may see."""
        look_up = self._referrers if relation.is_back else self._own
        links = look_up(collection, relation, rows)
        if not relation.is_back:
            allowed = self._readable(collection, relation.field, list(links))
            links = {id_: ids for id_, ids in links.items() if id_ in allowed}
        wanted = list(dict.fromkeys(id_ for ids in links.values() for id_ in ids))
        if relation.is_back:
            allowed = self._readable(relation.target, relation.field, wanted)
            wanted = [id_ for id_ in wanted if id_ in allowed]
        if not wanted:
            return links, []
        rule = "" if self._context.is_superuser else relation.target.view_rule or ""
        return links, self._queries.by_ids(self._connection, relation.target, wanted, rule, self._context)

    def _readable(self, owner: Collection, field: Field, ids: list[str]) -> set[str]:
        """Which rows let the caller read the relation that is followed."""
        rule = owner.read_rules.get(field.name, "")
        return self._field_rules.readable_ids(self._connection, owner, ids, rule, self._context)

    def _own(self, collection: Collection, relation: _Relation, rows: Sequence[Row]) -> dict[str, list[str]]:
        codec = self._codecs.of(collection)
        index = codec.names.index(relation.field.name)
        read = relation.field.from_db
        links: dict[str, list[str]] = {}
        for row in rows:
            value = read(row[index])
            items = value if isinstance(value, list) else [value]
            links[str(row[codec.id_index])] = [str(item) for item in items if item]
        return links

    def _referrers(self, collection: Collection, relation: _Relation, rows: Sequence[Row]) -> dict[str, list[str]]:
        """The ids of rows that point back to each row, in their natural order, at most 1000 for each."""
        dialect = self._connection.dialect
        owner = relation.target
        table, id_ = f"{dialect.quote(owner.name)} t", f"t.{dialect.quote('id')}"
        column = f"t.{dialect.quote(relation.field.name)}"
        if relation.field.is_multiple:
            table, ref = f"{table}, {dialect.json_each(column)} item", "item.value"
        else:
            ref = column
        order = "" if owner.is_view else f" ORDER BY {dialect.row_number('t')}"
        id_index = self._codecs.of(collection).id_index
        links: dict[str, list[str]] = defaultdict(list)
        for some in chunks(list(dict.fromkeys(str(row[id_index]) for row in rows))):
            if len(some) == 1:
                statement = f"SELECT {ref}, {id_} FROM {table} WHERE {ref} = ?{order} LIMIT {MAX_REFERRERS}"
            else:
                statement = (
                    f"SELECT ref, id FROM (SELECT {ref} AS ref, {id_} AS id, "
                    f"row_number() OVER (PARTITION BY {ref}{order}) AS place FROM {table} "
                    f"WHERE {ref} IN ({', '.join('?' * len(some))})) ranked "
                    f"WHERE place <= {MAX_REFERRERS} ORDER BY place"
                )
            for parent, child in self._connection.fetch_all(statement, some):
                links[str(parent)].append(str(child))
        return links
