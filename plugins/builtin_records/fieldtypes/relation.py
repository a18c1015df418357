"""``relation``: ids of records of another collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pbhost.errors import REQUIRED, ErrorTree, FieldError
from pbhost.model import FieldValue, Record, SchemaCheck, ValueCheck
from pbhost.validation import Rule, collect, minimum, required
from pbhost.validation import check as first_error

from ..casting import to_list
from .choices import ChoicesField
from .options import Option, boolean, integer, size_rules, text
from .select import too_many

_CHANGED = FieldError("validation_field_relation_change", "The relation collection cannot be changed.")
_NO_TARGET = FieldError("validation_field_relation_missing_collection", "The relation collection doesn't exist.")
_VIEW_TARGET = FieldError(
    "validation_relation_field_non_view_base_collection",
    "Only view collections are allowed to have relations to other views.",
)
_TARGET_GONE = FieldError("validation_missing_rel_collection", "Relation connection is missing or cannot be accessed.")
_RECORDS_GONE = FieldError(
    "validation_missing_rel_records", "Failed to find all relation records with the provided ids."
)

#: Ids per look-up statement; databases bound the parameters of one.
_IDS_PER_QUERY = 500


@dataclass(kw_only=True)
class RelationField(ChoicesField):
    """References to records of the collection ``collection_id``."""

    type: ClassVar[str] = "relation"
    options: ClassVar = {
        "cascade_delete": Option("cascadeDelete", boolean),
        "collection_id": Option("collectionId", text),
        "max_select": Option("maxSelect", integer),
        "min_select": Option("minSelect", integer),
    }

    collection_id: str = ""
    cascade_delete: bool = False
    min_select: int = 0

    def check_options(self, check: SchemaCheck) -> ErrorTree:
        most_rules: tuple[Rule, ...] = (required, minimum(self.min_select)) if self.min_select > 0 else size_rules
        return collect(
            {
                "collectionId": first_error(self.collection_id, required) or self._target_error(check),
                "minSelect": first_error(self.min_select, minimum(0)),
                "maxSelect": first_error(self.max_select, *most_rules),
            }
        )

    def _target_error(self, check: SchemaCheck) -> FieldError | None:
        stored = check.old.field_by_id(self.id) if check.old is not None else None
        # the fields of a view are inferred anew on each save, so they have no stored target to keep
        if isinstance(stored, RelationField) and stored.collection_id != self.collection_id:
            return None if check.collection.is_view else _CHANGED
        if self.collection_id == check.collection.id:
            target_is_view = check.collection.is_view
        else:
            target = check.services.collections.find(self.collection_id)
            if target is None or target.id != self.collection_id:
                return _NO_TARGET
            target_is_view = target.is_view
        return _VIEW_TARGET if target_is_view and not check.collection.is_view else None

    def validate(self, value: FieldValue, record: Record, check: ValueCheck) -> FieldError | ErrorTree | None:
        ids = to_list(value)
        if not ids:
            return REQUIRED if self.required else None
        if self.min_select and len(ids) < self.min_select:
            return FieldError(
                "validation_not_enough_values", f"Select at least {self.min_select}.", {"minSelect": self.min_select}
            )
        if len(ids) > max(self.max_select, 1):
            return too_many(max(self.max_select, 1))
        target = check.services.collections.find(self.collection_id)
        if target is None:
            return _TARGET_GONE
        return None if _count(check, target.name, ids) == len(ids) else _RECORDS_GONE


def _count(check: ValueCheck, table: str, ids: list[str]) -> int:
    dialect = check.connection.dialect
    found = 0
    for start in range(0, len(ids), _IDS_PER_QUERY):
        some = ids[start : start + _IDS_PER_QUERY]
        marks = ",".join("?" * len(some))
        row = check.connection.fetch_one(
            f"SELECT COUNT(DISTINCT {dialect.quote('id')}) FROM {dialect.quote(table)}"
            f" WHERE {dialect.quote('id')} IN ({marks})",
            some,
        )
        found += int(row[0] or 0) if row else 0
    return found
