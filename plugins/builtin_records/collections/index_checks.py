"""The checks of a collection's indexes (operations.md 6.4)."""

from __future__ import annotations

from pbhost.database import Connection
from pbhost.errors import ErrorTree, FieldError
from pbhost.model import Collection, CollectionType

from ..indexes import Index, parse_index, unique_column_index
from .introspection import index_tables

_NOT_FOR_VIEWS = FieldError("validation_indexes_not_supported", "View collections don't support indexes.")
_UNREADABLE = FieldError("validation_invalid_index_expression", "Invalid CREATE INDEX expression.")
_SAME_NAME = FieldError("validation_duplicated_index_name", "The index name already exists.")
_SAME_DEFINITION = FieldError("validation_duplicated_index_definition", "The index definition already exists.")


def check_indexes(
    connection: Connection, collection: Collection, old: Collection | None, kind: CollectionType | None
) -> FieldError | ErrorTree | None:
    """The error of ``indexes``, or of the first index that has one; ``None`` when all are acceptable."""
    if kind is not None and not kind.has_table:
        return _NOT_FOR_VIEWS if collection.indexes else None
    parsed = [parse_index(text) for text in collection.indexes]
    return (
        _first_bad_index(connection, collection, old, parsed)
        or _system_field_error(collection, old, parsed)
        or _required_error(collection, kind)
    )


def _first_bad_index(
    connection: Connection, collection: Collection, old: Collection | None, parsed: list[Index]
) -> ErrorTree | None:
    elsewhere = index_tables(connection)
    own_tables = {collection.name.lower(), old.name.lower() if old is not None else ""}
    names: set[str] = set()
    definitions: set[str] = set()
    for position, index in enumerate(parsed):
        error: FieldError | None = None
        used_by = elsewhere.get(index.name.lower(), "")
        if not index.is_valid:
            error = _UNREADABLE
        elif index.name.lower() in names:
            error = _SAME_NAME
        elif used_by and used_by.lower() not in own_tables:
            error = FieldError(
                "validation_existing_index_name",
                f"The index name is already used in {used_by} collection.",
                {"usedTableName": used_by},
            )
        elif index.definition() in definitions:
            error = _SAME_DEFINITION
        if error is not None:
            return {str(position): error}
        names.add(index.name.lower())
        definitions.add(index.definition())
    return None


def _system_field_error(collection: Collection, old: Collection | None, parsed: list[Index]) -> FieldError | None:
    """A unique index that touches a system field must stay, whatever its name, WHERE, COLLATE and order."""
    if old is None:
        return None
    current = {_columns(index) for index in parsed if index.unique}
    system_names = {field.name.lower(): field.name for field in old.fields if field.system}
    for text in old.indexes:
        index = parse_index(text)
        touched = [system_names[name] for name in _columns(index) if name in system_names]
        if index.unique and touched and _columns(index) not in current:
            return FieldError(
                "validation_invalid_unique_system_field_index",
                f"Unique index definition on system fields ({touched[0]}) is invalid or missing.",
                {"fieldName": touched[0]},
            )
    return None


def _required_error(collection: Collection, kind: CollectionType | None) -> FieldError | None:
    for name, _text in kind.required_indexes(collection) if kind is not None else ():
        if unique_column_index(collection.indexes, name) is None:
            return FieldError(
                "validation_missing_required_unique_index",
                f'Missing required unique index for field "{name}".',
                {"fieldName": name},
            )
    return None


def _columns(index: Index) -> tuple[str, ...]:
    return tuple(sorted(column.name.lower() for column in index.columns))
