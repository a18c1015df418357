"""Keeping the table of a collection in step with its fields and indexes (operations.md 7).

Runs inside the transaction that saves the collection.
"""

from __future__ import annotations

from collections.abc import Sequence

from pbhost.database import Transaction
from pbhost.errors import DatabaseError, FieldError, ValidationError
from pbhost.model import Collection, Field
from pbhost.model.ids import ALPHANUMERIC, random_text

from ..indexes import Index, parse_index
from .introspection import view_definitions


def create_table(transaction: Transaction, collection: Collection) -> None:
    """Creates the table and the indexes of a new collection.

    Raises:
        ValidationError: an index cannot be created.
    """
    quote = transaction.dialect.quote
    columns = ", ".join(
        f"{quote(field.name)} {_definition(transaction, field)}"
        for field in sorted(collection.fields, key=lambda field: field.name)
    )
    transaction.execute(f"CREATE TABLE {quote(collection.name)} ({columns})")
    create_indexes(transaction, collection)


def update_table(transaction: Transaction, old: Collection, new: Collection) -> None:
    """Changes the table of ``old`` into that of ``new``.

    Raises:
        ValidationError: an index cannot be created.
        DatabaseError: a column is still used by a view, for instance.
    """
    renamed = old.name != new.name
    same_fields = [field.encode() for field in old.fields] == [field.encode() for field in new.fields]
    if not renamed and same_fields and old.indexes == new.indexes:
        return
    drop_indexes(transaction, old)
    # a table cannot be renamed to another case of its own name; names of tables ignore case anyway
    if old.name.lower() != new.name.lower():
        quote = transaction.dialect.quote
        transaction.execute(f"ALTER TABLE {quote(old.name)} RENAME TO {quote(new.name)}")
    _drop_columns(transaction, old, new)
    _add_and_rename_columns(transaction, old, new)
    _convert_columns(transaction, old, new)
    create_indexes(transaction, new)


def drop_table(transaction: Transaction, collection: Collection) -> None:
    """Drops the table or view of a collection."""
    kind = "VIEW" if collection.is_view else "TABLE"
    transaction.execute(f"DROP {kind} IF EXISTS {transaction.dialect.quote(collection.name)}")


def create_indexes(transaction: Transaction, collection: Collection) -> None:
    """Creates every index of a collection.

    Raises:
        ValidationError: under ``indexes.{i}``, what the database has against it.
    """
    for position, text in enumerate(collection.indexes):
        index = parse_index(text).on(collection.name)
        try:
            transaction.execute(index.canonical())
        except DatabaseError as error:
            raise index_refused(position, index, error) from None


def drop_indexes(transaction: Transaction, collection: Collection) -> None:
    """Drops every index of a collection."""
    for text in collection.indexes:
        index = parse_index(text)
        if index.is_valid:
            transaction.execute(f"DROP INDEX IF EXISTS {transaction.dialect.quote(index.name)}")


def index_refused(position: int, index: Index, error: DatabaseError) -> ValidationError:
    """The error of an index that the database refused."""
    reason = FieldError("validation_invalid_index_expression", f"Failed to create index {index.name} - {error}.")
    return ValidationError({"indexes": {str(position): reason}})


def _definition(transaction: Transaction, field: Field) -> str:
    kind = "text" if field.kind == "list" and not field.is_multiple else field.kind
    is_key = field.name == "id" and field.type == "text"
    return transaction.dialect.column_type(kind, primary_key=is_key)


def _drop_columns(transaction: Transaction, old: Collection, new: Collection) -> None:
    quote = transaction.dialect.quote
    kept = {field.id for field in new.fields}
    for field in old.fields:
        if field.id not in kept:
            transaction.execute(f"ALTER TABLE {quote(new.name)} DROP COLUMN {quote(field.name)}")


def _add_and_rename_columns(transaction: Transaction, old: Collection, new: Collection) -> None:
    """New and renamed columns get a temporary name first, so that two fields may swap their names."""
    quote = transaction.dialect.quote
    table = quote(new.name)
    temporary: list[tuple[str, str]] = []
    for field in new.fields:
        before = old.field_by_id(field.id)
        if before is not None and before.name == field.name:
            continue
        name = field.name + random_text(5, ALPHANUMERIC)
        if before is None:
            transaction.execute(f"ALTER TABLE {table} ADD COLUMN {quote(name)} {_definition(transaction, field)}")
        else:
            transaction.execute(f"ALTER TABLE {table} RENAME COLUMN {quote(before.name)} TO {quote(name)}")
        temporary.append((name, field.name))
    for name, final in temporary:
        transaction.execute(f"ALTER TABLE {table} RENAME COLUMN {quote(name)} TO {quote(final)}")


def _convert_columns(transaction: Transaction, old: Collection, new: Collection) -> None:
    """Single values become lists and lists single values where ``maxSelect`` went over or under 2."""
    changed = [
        field
        for field in new.fields
        if (before := old.field_by_id(field.id)) is not None
        and before.type == field.type
        and before.is_multiple != field.is_multiple
    ]
    if not changed:
        return
    # A view that selects the column would refuse that it is dropped.
    views = view_definitions(transaction)
    _drop_views(transaction, list(views))
    for field in changed:
        _convert_column(transaction, new.name, field)
    for definition in views.values():
        transaction.execute(definition)


def _drop_views(transaction: Transaction, names: Sequence[str]) -> None:
    for name in names:
        transaction.execute(f"DROP VIEW IF EXISTS {transaction.dialect.quote(name)}")


def _convert_column(transaction: Transaction, table_name: str, field: Field) -> None:
    dialect = transaction.dialect
    table = dialect.quote(table_name)
    column = dialect.quote(field.name)
    old_column = dialect.quote(f"_{field.name}{random_text(5, ALPHANUMERIC)}")
    converted = dialect.to_multiple(old_column) if field.is_multiple else dialect.to_single(old_column)
    transaction.execute(f"ALTER TABLE {table} RENAME COLUMN {column} TO {old_column}")
    transaction.execute(f"ALTER TABLE {table} ADD COLUMN {column} {_definition(transaction, field)}")
    transaction.execute(f"UPDATE {table} SET {column} = {converted}")
    transaction.execute(f"ALTER TABLE {table} DROP COLUMN {old_column}")
