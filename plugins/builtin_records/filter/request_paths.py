"""``@request.…`` and ``@collection.…`` to SQL (records.md 8.7)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from pbhost.model import Field

from .ast import Operator
from .comparison import Comparer
from .errors import FilterError
from .links import AllRows, RowOfId, RowsOfIds, SubmittedRows, column
from .paths import Paths, Step, split_modifier
from .schema import relation_target
from .slots import (
    AuthCollection,
    AuthId,
    AuthValue,
    HasSubmittedIds,
    IsSet,
    RequestValue,
    SubmittedCount,
    SubmittedItems,
)
from .value import FALSE, NULL, Nature, Value, bound

_REQUEST = re.compile(r"@request\.(auth|body|query|headers)\.([\w.:]*\w)", re.ASCII)
_COLLECTION = re.compile(r"@collection\.(\w+)(?::(\w+))?\.([\w.:]*\w)", re.ASCII)

#: Fields of the authenticated record that are bound as they are; the others join its row.
_AUTH_KNOWN = frozenset(("id", "collectionId", "collectionName", "emailVisibility", "verified"))
_AUTH_STATIC = _AUTH_KNOWN | {"email"}


@dataclass(frozen=True, slots=True)
class RequestPaths:
    """Resolves what an expression says about the request and about other collections."""

    paths: Paths
    comparer: Comparer

    def resolve(self, name: str) -> Value:
        """An identifier that begins with ``@request.`` or ``@collection.``.

        Raises:
            FilterError: it has no such form, or names what does not exist or may not be used.
        """
        if name in ("@request.context", "@request.method"):
            return bound(RequestValue((name.removeprefix("@request."),)), Nature.KNOWN)
        if found := _REQUEST.fullmatch(name):
            source, path = found[1], found[2]
            if source == "auth":
                return self._auth(path)
            return self._body(path) if source == "body" else self._static(source, path)
        if found := _COLLECTION.fullmatch(name):
            return self._other_collection(found[1], found[2] or "", found[3])
        raise FilterError(f"invalid identifier {name[:100]!r}")

    # -- values of the request ---------------------------------------------------------------------------------------

    def _static(self, source: str, path: str, submitted: Field | None = None) -> Value:
        *parents, last = path.split(".")
        name, modifier = split_modifier(last)
        full = (source, *parents, name)
        if modifier == "isset":
            # Not a parameter to LIKE, which would make the word `true` of it: it stands for TRUE or FALSE, 1 or 0.
            return replace(bound(IsSet(full), Nature.KNOWN), parameter=None)
        if modifier not in ("", "lower"):
            raise FilterError(f"the modifier {modifier!r} does not apply to {path[:100]!r}")
        twin = self.paths.row.collection.field(name)
        is_number = twin is not None and twin.kind == "number"
        return bound(RequestValue(full, numeric=is_number, lower=modifier == "lower", field=submitted))

    def _body(self, path: str) -> Value:
        first, _, rest = path.partition(".")
        name, modifier = (first, "") if rest else split_modifier(first)
        found = self.paths.row.collection.field(name)
        if rest and found is not None:
            target = relation_target(found, self.paths.schema)
            if target is not None:
                return self._submitted_relation(found, rest)
        if modifier not in ("changed", "length", "each"):
            return self._static("body", path, None if rest else found)
        if found is None:
            raise FilterError(f"the modifier {modifier!r} needs a field, {name[:100]!r} is none")
        if modifier == "changed":
            return self._changed(found)
        if not found.can_be_multiple:
            raise FilterError(f"the modifier {modifier!r} does not apply to {name[:100]!r}")
        return bound(SubmittedCount(name), Nature.KNOWN) if modifier == "length" else self._submitted_items(found)

    def _changed(self, found: Field) -> Value:
        if not self.comparer.ask(IsSet(("body", found.name))):
            return FALSE
        submitted = bound(RequestValue(("body", found.name), numeric=found.kind == "number", field=found))
        stored = self.paths.resolve(found.name)
        differs = self.comparer.compare(submitted, Operator.NOT_EQUAL, stored)
        return Value(sql="(" + differs.sql + ")", strict=True, aliases=stored.aliases, vanishes=False)

    def _submitted_items(self, found: Field) -> Value:
        step = Step(self.paths.row.collection)
        step.through(SubmittedRows(SubmittedItems(found.name), found.is_multiple), many=found.is_multiple)
        return self.paths.value(step, lambda alias: column(self.paths.dialect, alias, "value"), nature=Nature.KNOWN)

    def _submitted_relation(self, relation: Field, rest: str) -> Value:
        target = relation_target(relation, self.paths.schema)
        if target is None or not self.comparer.ask(HasSubmittedIds(relation.name)):
            return NULL
        step = Step(target, missing_is_null=True)
        ids = RowsOfIds(target.name, SubmittedItems(relation.name), relation.is_multiple)
        step.through(ids, target, many=relation.is_multiple)
        return self.paths.resolve(rest, step)

    def _auth(self, path: str) -> Value:
        collection_id = self.comparer.ask(AuthCollection())
        collection = self.paths.schema.find(collection_id) if isinstance(collection_id, str) and collection_id else None
        if collection is None:
            return NULL
        name, _, modifier = path.partition(":")
        if name in _AUTH_STATIC:
            _, modifier = split_modifier(path)
            slot = AuthValue(name, lower=modifier == "lower")
            return bound(slot, Nature.KNOWN if name in _AUTH_KNOWN else None)
        step = Step(collection, missing_is_null=True)
        step.through(RowOfId(collection.name, AuthId()))
        return self.paths.resolve(path, step)

    # -- other collections -------------------------------------------------------------------------------------------

    def _other_collection(self, name: str, alias: str, path: str) -> Value:
        if self.paths.is_restricted:
            raise FilterError("@collection is not available here")
        collection = self.paths.schema.find(name)
        if collection is None:
            raise FilterError(f"unknown collection {name[:100]!r}")
        step = Step(collection)
        step.through(AllRows(collection.name, alias), many=True)
        return self.paths.resolve(path, step)
