"""Checks of values that have to look into the database: relations and custom primary keys."""

from __future__ import annotations

import pytest
from builtin_records.collections import CollectionsService

from pbhost.app import App
from pbhost.database import Transaction
from pbhost.errors import JSON, FieldError
from pbhost.model import Collection, Record, ValueCheck

from .test_saving import create


async def error_code(app: App, record: Record, name: str, *, is_new: bool = True) -> str:
    field = record.collection.field(name)
    assert field is not None

    def check(transaction: Transaction) -> str:
        error = field.validate(record[name], record, ValueCheck(connection=transaction, services=app, is_new=is_new))
        return error.code if isinstance(error, FieldError) else ""

    return await app.db.write(check)


async def insert(app: App, table: str, *ids: str) -> None:
    await app.db.write(
        lambda transaction: transaction.execute_many(f"INSERT INTO {table} (id) VALUES (?)", [(id_,) for id_ in ids])
    )


@pytest.mark.parametrize(
    ("options", "value", "code"),
    [
        ({}, "", ""),
        ({"required": True}, [], "validation_required"),
        ({}, "one", ""),
        ({}, ["gone", "one"], ""),
        ({}, "gone", "validation_missing_rel_records"),
        ({"maxSelect": 3}, ["one", "two"], ""),
        ({"maxSelect": 3}, ["one", "gone"], "validation_missing_rel_records"),
        ({"maxSelect": 2}, ["one", "two", "three"], "validation_too_many_values"),
        ({"maxSelect": 3, "minSelect": 2}, ["one"], "validation_not_enough_values"),
        ({"maxSelect": 3, "minSelect": 2}, [], ""),
    ],
)
async def test_relations_must_exist(
    app: App, collections: CollectionsService, options: dict[str, JSON], value: object, code: str
) -> None:
    target = await create(collections, name="target")
    await insert(app, "target", "one", "two", "three")
    field: JSON = {"type": "relation", "name": "to", "collectionId": target.id, **options}
    owner = await create(collections, name="owner", fields=[field])
    assert await error_code(app, Record(owner, {"to": value}), "to") == code


async def test_a_thousand_relations_are_checked(app: App, collections: CollectionsService) -> None:
    target = await create(collections, name="target")
    ids = [f"id{number}" for number in range(1200)]
    await insert(app, "target", *ids)
    field: JSON = {"type": "relation", "name": "to", "collectionId": target.id, "maxSelect": 2000}
    owner = await create(collections, name="owner", fields=[field])
    assert await error_code(app, Record(owner, {"to": ids}), "to") == ""
    assert await error_code(app, Record(owner, {"to": [*ids, "gone"]}), "to") == "validation_missing_rel_records"


@pytest.fixture
async def keyed(collections: CollectionsService) -> Collection:
    """A collection whose keys may be any text."""
    key: JSON = {"type": "text", "name": "id", "pattern": "^.+$", "min": 0, "max": 0, "autogeneratePattern": "[a-z]{9}"}
    return await create(collections, name="keyed", fields=[key])


@pytest.mark.parametrize(
    ("id_", "code"),
    [
        ("fine", ""),
        ("", "validation_required"),
        ("TAKEN", "validation_pk_invalid"),
        ("a/b", "validation_forbidden_pk_character"),
        ("a b", "validation_forbidden_pk_character"),
        ("a\0", "validation_forbidden_pk_character"),
        ("com1", "validation_reserved_pk"),
        ("\n", "validation_invalid_format"),
    ],
)
async def test_custom_primary_keys(app: App, keyed: Collection, id_: str, code: str) -> None:
    await insert(app, "keyed", "taken")
    assert await error_code(app, Record(keyed, {"id": id_}), "id") == code


async def test_a_primary_key_never_changes(app: App, keyed: Collection) -> None:
    record = Record.from_row(keyed, ("id",), ("stored",))
    assert await error_code(app, record, "id", is_new=False) == ""
    record["id"] = "other"
    assert await error_code(app, record, "id", is_new=False) == "validation_pk_change"
