"""One consistent state of all collections, as it is kept in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pbhost.database import Row
from pbhost.model import Collection, Field


class Schema:
    """All collections in row order, found by id or name. Never changed: a new state is a new schema."""

    def __init__(self, collections: Iterable[Collection] = (), rows: Mapping[str, Row] | None = None) -> None:
        """``rows``: what each collection was read from, by id; those that were changed since have none."""
        self.collections: Sequence[Collection] = tuple(collections)
        self.rows: Mapping[str, Row] = rows or {}
        self._ids: dict[str, int] = {}
        self._names: dict[str, int] = {}
        for position, collection in enumerate(self.collections):
            self._ids.setdefault(collection.id, position)
            self._names.setdefault(collection.name.lower(), position)
        #: What :meth:`find` gives for every id and every name as it is spelled: nearly all that it is asked for.
        self._exact = {
            key: found for item in self.collections for key in (item.id, item.name) if (found := self._find(key))
        }
        self._references: dict[str, Sequence[tuple[Collection, Field]]] | None = None

    def find(self, name_or_id: str) -> Collection | None:
        """The first collection with that id (exact) or name (case-insensitive)."""
        return self._exact.get(name_or_id) or self._find(name_or_id)

    def _find(self, name_or_id: str) -> Collection | None:
        by_id = self._ids.get(name_or_id)
        by_name = self._names.get(name_or_id.lower())
        if by_id is None or (by_name is not None and by_name < by_id):
            by_id = by_name
        return None if by_id is None else self.collections[by_id]

    def by_id(self, id_: str) -> Collection | None:
        """The collection of that id."""
        position = self._ids.get(id_)
        return None if position is None else self.collections[position]

    def by_name(self, name: str) -> Collection | None:
        """The collection of that name, case-insensitive."""
        position = self._names.get(name.lower())
        return None if position is None else self.collections[position]

    def references_to(self, collection_id: str) -> Sequence[tuple[Collection, Field]]:
        """The relation fields of tables that point to a collection, ordered by collection name."""
        if self._references is None:
            found: dict[str, list[tuple[Collection, Field]]] = {}
            for owner in sorted(self.collections, key=lambda item: item.name):
                for field in owner.fields:
                    target = getattr(field, "collection_id", "")
                    if field.type == "relation" and target and not owner.is_view:
                        found.setdefault(target, []).append((owner, field))
            self._references = dict(found)
        return self._references.get(collection_id, ())

    def with_collection(self, changed: Collection) -> Schema:
        """This schema with a collection added, or replaced if its id is known."""
        kept = [changed if item.id == changed.id else item for item in self.collections]
        rows = {id_: row for id_, row in self.rows.items() if id_ != changed.id}
        return Schema(kept if changed.id in self._ids else [*kept, changed], rows)

    def without(self, collection_id: str) -> Schema:
        """This schema without a collection."""
        rows = {id_: row for id_, row in self.rows.items() if id_ != collection_id}
        return Schema((item for item in self.collections if item.id != collection_id), rows)
