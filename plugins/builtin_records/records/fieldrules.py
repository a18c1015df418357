"""Read and write rules of single fields: what of a row a caller sees, and what of a body counts.

A rule narrows what is allowed otherwise: hidden fields stay hidden, e-mails stay subject to their visibility. A rule
that cannot be evaluated is not fulfilled. Superusers are above all of it, and so is code that acts on its own behalf.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pbhost.database import Connection, Row
from pbhost.model import Collection, Record, RequestContext, Rule

from .codec import Codecs
from .queries import Queries, chunks

#: The names of the fields that a row does not show, by the row's id; ids without any are missing.
Unreadable = Mapping[str, frozenset[str]]
_ALL_READABLE: Unreadable = {}


class FieldRules:
    """Evaluates the rules of fields, each once for all rows."""

    def __init__(self, codecs: Codecs, queries: Queries) -> None:
        self._codecs = codecs
        self._queries = queries

    def unreadable(
        self,
        connection: Connection,
        collection: Collection,
        rows: Sequence[Row],
        context: RequestContext,
        *,
        may_be_gone: bool = False,
    ) -> Unreadable:
        """What the caller may not read of some rows.

        Args:
            may_be_gone: rows may be deleted meanwhile (a live message of a delete); those are judged by their values.
        """
        rules = collection.read_rules
        if not rules or context.is_superuser or not rows:
            return _ALL_READABLE
        index = self._codecs.of(collection).id_index
        by_id = {str(row[index]): row for row in rows}
        denied: dict[str, set[str]] = {id_: set() for id_ in by_id}
        for rule in dict.fromkeys(rules.values()):
            names = [name for name, of_field in rules.items() if of_field == rule]
            allowed = self.readable_ids(connection, collection, list(by_id), rule, context)
            if may_be_gone and len(allowed) < len(by_id):
                allowed |= self._gone_but_readable(connection, collection, by_id, rule, context)
            for id_ in by_id.keys() - allowed:
                denied[id_].update(names)
        return {id_: frozenset(names) for id_, names in denied.items() if names}

    def readable_ids(
        self, connection: Connection, collection: Collection, ids: Sequence[str], rule: Rule, context: RequestContext
    ) -> set[str]:
        """Which rows fulfil a read rule."""
        if rule == "" or context.is_superuser:
            return set(ids)
        allowed = self._queries.holding(connection, collection, ids, rule, context)
        if collection.is_view and allowed:
            # Ids of a view may repeat; a row must not be shown because another one of its id may be.
            allowed -= self._repeated(connection, collection, list(allowed))
        return allowed

    def _repeated(self, connection: Connection, collection: Collection, ids: Sequence[str]) -> set[str]:
        dialect = connection.dialect
        table, id_ = dialect.quote(collection.name), dialect.quote("id")
        found: set[str] = set()
        for some in chunks(ids):
            marks = ", ".join("?" * len(some))
            rows = connection.fetch_all(
                f"SELECT {id_} FROM {table} WHERE {id_} IN ({marks}) GROUP BY {id_} HAVING COUNT(*) > 1", some
            )
            found.update(str(row[0]) for row in rows)
        return found

    def _gone_but_readable(
        self,
        connection: Connection,
        collection: Collection,
        by_id: Mapping[str, Row],
        rule: Rule,
        context: RequestContext,
    ) -> set[str]:
        codec = self._codecs.of(collection)
        return {
            id_
            for id_, row in by_id.items()
            if self._queries.row(connection, collection, id_) is None
            and self._queries.virtual_holds(connection, collection, codec.named(row), rule, context)
        }


def kept_body(
    rules: Mapping[str, Rule],
    names: Sequence[str],
    holds: Callable[[str, frozenset[str]], bool],
) -> frozenset[str]:
    """Which of the submitted fields may be written: the largest set whose rules hold when only its fields are written.

    What is refused for one field must not help another one, so the rules are asked again after each refusal.

    Args:
        rules: the write rules by field.
        names: the fields that the body names.
        holds: whether a rule holds when only the given fields are written.
    """
    kept = frozenset(name for name in names if rules.get(name, "") is not None)
    while True:
        refused = {name for name in kept if (rule := rules.get(name, "")) and not holds(rule, kept)}
        if not refused:
            return kept
        kept -= refused


def hide_unreadable(records: Sequence[Record], unreadable: Unreadable) -> None:
    """Leaves out of records what their reader may not see."""
    for record in records:
        names = unreadable.get(record.id)
        if names:
            record.hide(*names)
