"""Indexes that are missing: what rules compare, what back-relations and deletes look up.

It reads the schema alone, so it can be asked of any application at any time; `EXPLAIN` of a single statement would tell
of one statement only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pbhost.model import RULE_KINDS, Collection, Field

from .filter import FilterError, parse
from .filter.ast import Comparison, Group, Identifier, Operator
from .indexes import Index, IndexColumn, parse_index

if TYPE_CHECKING:
    from pbhost.app import App

_SEARCHED = frozenset((Operator.EQUAL, Operator.ANY_EQUAL))
_NAME_LIMIT = 64


@dataclass(frozen=True, slots=True)
class IndexAdvice:
    """An index that would help.

    Attributes:
        collection: whose table it belongs to.
        columns: what it covers, in order.
        reason: what looks the rows up, for people.
        statement: the text for the collection's ``indexes``.
    """

    collection: str
    columns: tuple[str, ...]
    reason: str
    statement: str


async def index_advice(app: App, *, sorts: Sequence[tuple[str, str]] = ()) -> list[IndexAdvice]:
    """Missing indexes of all collections, the same one once.

    Args:
        sorts: lists that are asked for often: name or id of the collection, and the value of ``sort``.
    """
    found: dict[tuple[str, tuple[str, ...]], IndexAdvice] = {}
    for collection, columns, reason in [*_look_ups(app), *_sorted_lists(app, sorts)]:
        names = tuple(name.removeprefix("-") for name in columns)
        if not _is_served(collection, names):
            found.setdefault((collection.id, names), _advice(collection, columns, reason))
    return sorted(found.values(), key=lambda item: (item.collection, item.columns))


def _look_ups(app: App) -> Iterator[tuple[Collection, tuple[str, ...], str]]:
    for collection in app.collections.all():
        for owner, field in app.collections.references_to(collection):
            if not owner.is_view and not field.is_multiple:
                reason = f"deletes and back-relations of {collection.name!r} look for the records that refer to it"
                yield owner, (field.name,), reason
        for kind in RULE_KINDS:
            # Only a list rule picks rows; the others look at one whose id is known.
            if kind == "list" and not collection.is_view:
                compared = list(_compared(collection.rule(kind) or ""))
                for name in compared:
                    if _has_column(collection, name) and not _is_served_among(collection, name, compared):
                        yield collection, (name,), f"the {kind} rule compares it"
            for name, path in _other_collections(collection.rule(kind) or ""):
                other = app.collections.find(name)
                if other is not None and not other.is_view and _has_column(other, path):
                    yield other, (path,), f"the {kind} rule of {collection.name!r} looks it up"


def _sorted_lists(app: App, sorts: Sequence[tuple[str, str]]) -> Iterator[tuple[Collection, tuple[str, ...], str]]:
    for name, sort in sorts:
        collection = app.collections.find(name)
        columns = tuple(term.strip().removeprefix("+") for term in sort.split(",") if term.strip())
        if collection is None or collection.is_view or not columns:
            continue
        if all(_has_column(collection, column.removeprefix("-")) for column in columns):
            yield collection, columns, f"lists are sorted by {sort}"


def _compared(rule: str) -> Iterator[str]:
    """The fields that a rule compares for equality in a condition that every row has to fulfil."""
    tree = _tree(rule)
    if tree is None or "||" in tree.joins:
        return
    for term in tree.terms:
        if isinstance(term, Comparison) and term.operator in _SEARCHED:
            sides = (term.left, term.right)
            names = [side.name for side in sides if isinstance(side, Identifier) and not side.name.startswith("@")]
            if len(names) == 1:
                yield names[0]


def _other_collections(rule: str) -> Iterator[tuple[str, str]]:
    """The ``@collection.name.field`` of a rule that are compared for equality."""
    tree = _tree(rule)
    pending: list[Comparison | Group] = [] if tree is None else [tree]
    while pending:
        term = pending.pop()
        if isinstance(term, Group):
            pending += term.terms
        elif term.operator in _SEARCHED:
            for side in (term.left, term.right):
                if isinstance(side, Identifier) and side.name.startswith("@collection."):
                    _, _, path = side.name.partition(".")
                    name, _, field = path.partition(".")
                    yield name.partition(":")[0], field


def _tree(rule: str) -> Group | None:
    try:
        return parse(rule) if rule else None
    except FilterError:
        return None


def _has_column(collection: Collection, name: str) -> bool:
    field: Field | None = collection.field(name)
    return field is not None and not field.is_multiple and field.kind != "json"


def _is_served(collection: Collection, columns: tuple[str, ...]) -> bool:
    """Whether the primary key or an index for all rows begins with those columns."""
    if columns[0] == "id":
        return True
    for text in collection.indexes:
        index = parse_index(text)
        names = tuple(item.name.lower() for item in index.columns[: len(columns)])
        if index.is_valid and not index.where and names == tuple(name.lower() for name in columns):
            return True
    return False


def _is_served_among(collection: Collection, column: str, compared: Sequence[str]) -> bool:
    """Whether an index begins with the column, or with others that are compared as well and then the column."""
    known = {name.lower() for name in compared}
    for text in collection.indexes:
        index = parse_index(text)
        names = [item.name.lower() for item in index.columns]
        if index.is_valid and not index.where and column.lower() in names:
            before = names[: names.index(column.lower())]
            if known.issuperset(before):
                return True
    return False


def _advice(collection: Collection, columns: tuple[str, ...], reason: str) -> IndexAdvice:
    names = tuple(column.removeprefix("-") for column in columns)
    index = Index(
        name=f"idx_{collection.name}_{'_'.join(names)}"[:_NAME_LIMIT],
        table=collection.name,
        columns=tuple(
            IndexColumn(column.removeprefix("-"), sort="DESC" if column.startswith("-") else "") for column in columns
        ),
    )
    return IndexAdvice(collection.name, names, reason, index.canonical())
