"""Saving and deleting collections: what the database has afterwards, what is refused."""

from __future__ import annotations

import pytest
from builtin_records.collections import CollectionsService

from pbhost.app import App
from pbhost.errors import JSON, BadRequestError, ValidationError
from pbhost.model import Collection


async def sql(app: App, text: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await app.db.read(lambda connection: connection.fetch_all(text))]


async def table_sql(app: App, name: str) -> str:
    rows = await sql(app, f"SELECT sql FROM sqlite_master WHERE name = '{name}'")
    return str(rows[0][0]) if rows else ""


async def create(collections: CollectionsService, **data: JSON) -> Collection:
    collection = collections.new(str(data.get("type", "base")))
    collections.merge(collection, data)
    return await collections.save(collection)


async def change(collections: CollectionsService, which: str, /, **data: JSON) -> Collection:
    collection = collections.get(which).copy()
    collections.merge(collection, data)
    return await collections.save(collection)


async def test_a_fresh_database_has_the_system_collections(app: App, collections: CollectionsService) -> None:
    assert [(item.name, item.id) for item in collections.all()] == [
        ("_mfas", "pbc_2279338944"),
        ("_otps", "pbc_1638494021"),
        ("_externalAuths", "pbc_2281828961"),
        ("_authOrigins", "pbc_4275539003"),
    ]
    assert await table_sql(app, "_authOrigins") == (
        "CREATE TABLE `_authOrigins` (`collectionRef` TEXT DEFAULT '' NOT NULL, `created` TEXT DEFAULT '' NOT NULL, "
        "`fingerprint` TEXT DEFAULT '' NOT NULL, "
        "`id` TEXT PRIMARY KEY DEFAULT ('r'||lower(hex(randomblob(7)))) NOT NULL, "
        "`recordRef` TEXT DEFAULT '' NOT NULL, `updated` TEXT DEFAULT '' NOT NULL)"
    )
    assert collections.get("_mfas").indexes == [
        "CREATE INDEX `idx_mfas_collectionRef_recordRef` ON `_mfas` (collectionRef,recordRef)"
    ]
    assert await table_sql(app, "idx_mfas_collectionRef_recordRef") == (
        "CREATE INDEX `idx_mfas_collectionRef_recordRef` ON `_mfas` (\n  `collectionRef`,\n  `recordRef`\n)"
    )
    assert len(await sql(app, "SELECT file FROM _migrations")) == 8


async def test_a_created_collection_has_its_table(app: App, collections: CollectionsService) -> None:
    saved = await create(
        collections,
        name="posts",
        fields=[
            {"type": "text", "name": "title"},
            {"type": "number", "name": "count"},
            {"type": "select", "name": "tags", "values": ["a", "b"], "maxSelect": 2},
            {"type": "geoPoint", "name": "place"},
        ],
        indexes=["create index idx_title on anything (title)"],
    )
    assert saved.id == "pbc_1125843985"
    assert [field.name for field in saved.fields] == ["id", "title", "count", "tags", "place"]
    assert saved.indexes == ["CREATE INDEX `idx_title` ON `posts` (`title`)"]
    assert await table_sql(app, "posts") == (
        "CREATE TABLE `posts` (`count` NUMERIC DEFAULT 0 NOT NULL, "
        "`id` TEXT PRIMARY KEY DEFAULT ('r'||lower(hex(randomblob(7)))) NOT NULL, "
        "`place` JSON DEFAULT '{\"lon\":0,\"lat\":0}' NOT NULL, `tags` JSON DEFAULT '[]' NOT NULL, "
        "`title` TEXT DEFAULT '' NOT NULL)"
    )
    assert collections.find("POSTS") is collections.find("pbc_1125843985")


async def test_a_changed_collection_keeps_its_data(app: App, collections: CollectionsService) -> None:
    saved = await create(
        collections,
        name="notes",
        fields=[
            {"type": "text", "name": "a"},
            {"type": "text", "name": "b"},
            {"type": "text", "name": "gone"},
            {"type": "select", "name": "one", "values": ["x", "y"]},
            {"type": "select", "name": "many", "values": ["x", "y"], "maxSelect": 2},
        ],
    )
    await app.db.write(
        lambda transaction: transaction.execute(
            "INSERT INTO notes (id, a, b, gone, one, many) VALUES ('1', 'left', 'right', 'x', 'y', '[\"x\",\"y\"]')"
        )
    )
    await create(collections, name="watch", type="view", viewQuery="select id, one, many from notes")
    fields = {field.name: field for field in saved.copy().fields}
    swapped: list[JSON] = [
        fields["id"].encode(),
        {**fields["a"].encode(), "name": "b"},
        {**fields["b"].encode(), "name": "a"},
        {**fields["one"].encode(), "maxSelect": 2},
        {**fields["many"].encode(), "maxSelect": 1},
        {"type": "bool", "name": "fresh"},
    ]
    before = collections.generation
    await change(collections, "notes", fields=swapped)
    assert collections.generation > before
    watch = collections.get("watch")
    assert [field.is_multiple for field in watch.fields] == [False, True, False]
    await change(collections, "notes", name="memos")
    assert await sql(app, "SELECT a, b, one, many, fresh FROM memos") == [("right", "left", '["y"]', "y", 0)]
    assert "gone" not in await table_sql(app, "memos")
    assert collections.find("notes") is None


@pytest.mark.parametrize(
    ("data", "errors"),
    [
        ({}, {"name": "validation_required"}),
        ({"name": "a b"}, {"name": "validation_match_invalid"}),
        ({"name": "a_via_b"}, {"name": "validation_found_via"}),
        ({"name": "_MFAS"}, {"name": "validation_collection_name_exists"}),
        ({"name": "pbc_2279338944"}, {"name": "validation_collection_name_id_duplicate"}),
        ({"name": "_params"}, {"name": "validation_collection_name_invalid"}),
        ({"name": "x", "id": "pbc_2279338944"}, {"id": "validation_invalid_or_existing_id"}),
        ({"name": "x", "type": "other"}, {"type": "validation_in_invalid"}),
        ({"name": "x", "listRule": "missing = 1"}, {"listRule": "validation_invalid_rule"}),
        ({"name": "x", "listRule": "id ="}, {"listRule": "validation_invalid_rule"}),
        (
            {"name": "x", "fields": [{"type": "text", "name": "a"}, {"type": "bool", "name": "A"}]},
            {"fields": {"2": {"name": "validation_duplicated_field_name"}}},
        ),
        (
            {"name": "x", "fields": [{"type": "text", "name": "expand"}, {"type": "text", "name": ""}]},
            {"fields": {"1": {"name": "validation_not_in_invalid"}, "2": {"name": "validation_required"}}},
        ),
        (
            {"name": "x", "fields": [{"type": "text", "name": "a", "pattern": "(", "min": 5, "max": 3}]},
            {
                "fields": {
                    "1": {
                        "max": "validation_min_greater_equal_than_required",
                        "pattern": "validation_invalid_regex",
                    }
                }
            },
        ),
        (
            {"name": "x", "fields": [{"type": "relation", "name": "a", "collectionId": "nope"}]},
            {"fields": {"1": {"collectionId": "validation_field_relation_missing_collection"}}},
        ),
        (
            {"name": "x", "indexes": ["create index a on x (id)", "nonsense"]},
            {"indexes": {"1": "validation_invalid_index_expression"}},
        ),
        (
            {"name": "x", "indexes": ["create index a on x (id)", "create index A on x (id desc)"]},
            {"indexes": {"1": "validation_duplicated_index_name"}},
        ),
        (
            {"name": "x", "indexes": ["create index a on x (id)", "create index b on x (`id`)"]},
            {"indexes": {"1": "validation_duplicated_index_definition"}},
        ),
        (
            {"name": "x", "indexes": ["create index idx_mfas_collectionRef_recordRef on x (id)"]},
            {"indexes": {"0": "validation_existing_index_name"}},
        ),
        (
            {"name": "x", "indexes": ["create index a on x (missing)"]},
            {"indexes": {"0": "validation_invalid_index_expression"}},
        ),
        (
            {"name": "x", "type": "view", "viewQuery": ""},
            {"fields": "validation_required", "viewQuery": "validation_required"},
        ),
        (
            {"name": "x", "type": "view", "viewQuery": "select 1 as a"},
            {"fields": "validation_missing_primary_key", "viewQuery": "validation_invalid_view_query"},
        ),
        (
            {"name": "x", "type": "view", "viewQuery": "select id from _mfas", "createRule": ""},
            {"createRule": "validation_nil"},
        ),
        (
            {"name": "x", "type": "view", "viewQuery": "select id from _mfas", "indexes": ["create index a on x (id)"]},
            {"indexes": "validation_indexes_not_supported"},
        ),
    ],
)
async def test_refused_collections(
    app: App, collections: CollectionsService, data: dict[str, JSON], errors: dict[str, object]
) -> None:
    with pytest.raises(ValidationError) as refused:
        await create(collections, **data)
    assert codes(refused.value.to_json()["data"]) == errors
    assert collections.find("x") is None
    assert await sql(app, "SELECT name FROM sqlite_master WHERE name IN ('x', 'a') OR name LIKE '_temp%'") == []


def codes(data: JSON) -> object:
    assert isinstance(data, dict)
    return {
        key: item["code"] if isinstance(item, dict) and "code" in item else codes(item) for key, item in data.items()
    }


async def test_system_collections_are_protected(collections: CollectionsService) -> None:
    with pytest.raises(ValidationError) as refused:
        await change(collections, "_mfas", name="mfas", type="view", system=False, listRule="", fields=[], indexes=[])
    assert codes(refused.value.to_json()["data"]) == {
        "system": "validation_collection_system_flag_change",
        "type": "validation_collection_type_change",
        "name": "validation_collection_system_name_change",
        "fields": "validation_required",
        "listRule": "validation_collection_system_rule_change",
        "viewRule": "validation_invalid_rule",
        "viewQuery": "validation_required",
    }
    with pytest.raises(ValidationError) as refused:
        await change(collections, "_authOrigins", fields=[], indexes=[])
    rules = dict.fromkeys(("listRule", "viewRule", "deleteRule"), "validation_invalid_rule")
    assert codes(refused.value.to_json()["data"]) == {
        **rules,
        "fields": "validation_system_field_change",
        "indexes": "validation_invalid_unique_system_field_index",
    }
    with pytest.raises(BadRequestError):
        await collections.delete(collections.get("_mfas"))


async def test_a_collection_that_is_needed_cannot_be_deleted(app: App, collections: CollectionsService) -> None:
    target = await create(collections, name="target")
    await create(collections, name="owner", fields=[{"type": "relation", "name": "to", "collectionId": target.id}])
    with pytest.raises(BadRequestError, match="existing reference in owner"):
        await collections.delete(target)
    await collections.delete(collections.get("owner"))
    await create(collections, name="look", type="view", viewQuery="select id from target")
    with pytest.raises(BadRequestError):
        await collections.delete(collections.get("target"))
    await collections.delete(collections.get("look"))
    await collections.delete(collections.get("target"))
    assert collections.find("target") is None
    assert await table_sql(app, "target") == ""


async def test_schema_is_the_same_after_a_restart(app: App, collections: CollectionsService) -> None:
    await create(collections, name="posts", fields=[{"type": "number", "name": "n", "min": 1.0}], listRule="n > 1")
    before = [collections.public_json(item) for item in collections.all()]
    again = CollectionsService(app)
    await again.reload()
    assert [again.public_json(item) for item in again.all()] == before
