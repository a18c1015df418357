"""Importing collections from their JSON form, all or nothing (operations.md 10)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pbhost.errors import (
    JSON,
    BadRequestError,
    DatabaseError,
    FieldError,
    ValidationError,
    tree_to_json,
)
from pbhost.model import Collection, Field

from .codec import Codec
from .fieldlist import add_field, build_fields
from .writer import SchemaWriter

if TYPE_CHECKING:
    from .service import CollectionsService

_FAILED = "Failed to import collections."
_CODE = "validation_collections_import_failure"


class ImportPlan:
    """One import. ``run`` is called in the transaction's thread."""

    def __init__(
        self,
        service: CollectionsService,
        codec: Codec,
        data: Sequence[Mapping[str, JSON]],
        *,
        delete_missing: bool,
    ) -> None:
        self._service = service
        self._codec = codec
        self._data = data
        self._delete_missing = delete_missing

    def run(self, writer: SchemaWriter) -> None:
        """Deletes, saves and then checks.

        Raises:
            OptionTypeError: an entry cannot be decoded.
            BadRequestError: with the reason under ``data.collections``.
            ValidationError: an index cannot be created.
        """
        before = writer.schema
        imported = [self._decode(writer, entry) for entry in self._data]
        # views come last, for they are checked against the tables that they read
        imported.sort(key=lambda item: (item.is_view, item.created, item.updated))
        try:
            if self._delete_missing:
                self._delete_others(writer, imported)
            for collection in imported:
                writer.save(collection, validate=False)
        except ValidationError as error:
            if "indexes" in error.data:
                raise error.named(_FAILED) from None
            reason = json.dumps(tree_to_json(error.data), ensure_ascii=False, sort_keys=True)
            raise _failure(f"Failed to import the collections configuration. Raw error:\n{reason}") from None
        except DatabaseError as error:
            raise _failure(f"Failed to import the collections configuration. Raw error:\n{error}") from None
        for collection in imported:
            old = before.by_id(collection.id)
            try:
                writer.recheck(collection, old)
            except ValidationError as error:
                # What it would lack as one of another type is not what is wrong with it.
                data = error.data if old is None or old.type == collection.type else {"type": error.data["type"]}
                errors = json.dumps(tree_to_json(data), indent=2, ensure_ascii=False, sort_keys=True)
                raise _failure(
                    f'Data validations failed for collection "{collection.name}" ({collection.id}):\n{errors}'
                ) from None

    def _decode(self, writer: SchemaWriter, entry: Mapping[str, JSON]) -> Collection:
        given = {key.lower(): value for key, value in entry.items()}
        id_, name = str(given.get("id") or ""), str(given.get("name") or "")
        stored = writer.schema.by_id(id_) if id_ else (writer.schema.by_name(name) if name else None)
        if stored is None:
            kind = str(given.get("type") or "base")
            collection = self._service.new(kind if kind in self._service.types else "base")
            self._codec.merge(collection, entry)
            return collection
        collection = stored.copy()
        self._codec.merge(collection, entry)
        submitted = build_fields([self._codec.decode_field(item) for item in _list(given.get("fields"))])
        collection.fields = self._merged_fields(stored, submitted)
        return collection

    def _merged_fields(self, stored: Collection, submitted: list[Field]) -> list[Field]:
        """The imported fields, then the stored ones that are kept.

        An imported field of an unknown id gives way to a kept one of the same name and type, so that its data stays.
        """
        kept = [
            field
            for field in stored.fields
            if (field.system or not self._delete_missing) and all(other.id != field.id for other in submitted)
        ]
        known = {field.id for field in stored.fields}
        fields: list[Field] = []
        for field in submitted:
            twin = next((item for item in kept if item.name == field.name and item.type == field.type), None)
            if twin is not None and field.id not in known:
                kept.remove(twin)
                add_field(fields, twin)
            else:
                add_field(fields, field)
        return [*fields, *kept]

    def _delete_others(self, writer: SchemaWriter, imported: Sequence[Collection]) -> None:
        wanted = {collection.id for collection in imported if collection.version}
        # a view may read a table that goes too, so views go first
        for collection in sorted(writer.schema.collections, key=lambda item: not item.is_view):
            if not collection.system and collection.id not in wanted:
                writer.delete(collection, check_references=False)


def _failure(message: str) -> BadRequestError:
    return BadRequestError(_FAILED, {"collections": FieldError(_CODE, message)})


def _list(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []
