"""Which fields a view gets from its query, and that it follows the collections it reads."""

from __future__ import annotations

import pytest
from builtin_records.collections import CollectionsService

from pbhost.app import App
from pbhost.errors import JSON

from .test_saving import change, create, sql


@pytest.fixture
async def sources(collections: CollectionsService) -> CollectionsService:
    """Two collections to select from."""
    people = await create(collections, name="people", fields=[{"type": "text", "name": "name", "hidden": True}])
    await create(
        collections,
        name="posts",
        fields=[
            {"type": "text", "name": "Title", "max": 7},
            {"type": "number", "name": "num"},
            {"type": "relation", "name": "authors", "collectionId": people.id, "maxSelect": 3},
            {"type": "autodate", "name": "created", "onCreate": True},
        ],
    )
    return collections


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("p.title as t", {"type": "text", "max": 7}),
        ("title", {"type": "text", "max": 7}),
        ("p.authors", {"type": "relation", "maxSelect": 3}),
        ("p.created", {"type": "autodate", "onCreate": True}),
        ("a.name as n", {"type": "text", "hidden": True}),
        ("a.id as who", {"type": "relation", "maxSelect": 1}),
        ("count(p.id) as n", {"type": "number", "onlyInt": True}),
        ("COUNT(*) as n", {"type": "number", "onlyInt": True}),
        ("total(p.num) as n", {"type": "number", "onlyInt": False}),
        ("cast(p.num as integer) as n", {"type": "number", "onlyInt": True}),
        ("cast(p.num as real) as n", {"type": "number", "onlyInt": False}),
        ("cast(p.num as\ntext) as n", {"type": "text"}),
        ("cast(p.num as boolean) as n", {"type": "bool"}),
        ("sum(p.num) as n", {"type": "json", "maxSize": 1}),
        ("(p.num + 1) as n", {"type": "json"}),
        ("(cast(p.num as int)) as n", {"type": "json"}),
        ("(select 1) as n", {"type": "json"}),
        ("'x' as n", {"type": "json"}),
    ],
)
async def test_inferred_field(sources: CollectionsService, column: str, expected: dict[str, JSON]) -> None:
    query = f"select p.id, {column} from posts p left join people as a on a.id = p.id group by p.id"
    view = await create(sources, name="look", type="view", viewQuery=query)
    field = view.fields[1].encode()
    assert {key: field[key] for key in expected} == expected
    assert str(field["id"]).startswith("_clone_")
    assert view.fields[0].encode()["autogeneratePattern"] == ""


async def test_a_numeric_id_is_cast_to_text(app: App, sources: CollectionsService) -> None:
    await create(
        sources, name="look", type="view", viewQuery=" select (ROW_NUMBER() OVER()) as id, name from people ; "
    )
    assert sources.get("look").options["viewQuery"] == " select (ROW_NUMBER() OVER()) as id, name from people ; "
    assert await sql(app, "SELECT sql FROM sqlite_master WHERE name = 'look'") == [
        (
            "CREATE VIEW `look` AS SELECT * FROM (SELECT CAST(`id` as TEXT) `id`,`name` FROM "
            "(select (ROW_NUMBER() OVER()) as id, name from people))",
        )
    ]


async def test_a_view_follows_its_sources(app: App, sources: CollectionsService) -> None:
    await create(sources, name="look", type="view", viewQuery="select id, title from posts")
    await create(sources, name="further", type="view", viewQuery="select id, title as t from look")
    fields = [field.encode() for field in sources.get("posts").fields]
    changed: list[JSON] = [{**field, "max": 99} if field["name"] == "Title" else field for field in fields]
    await change(sources, "posts", fields=changed)
    for name in ("look", "further"):
        assert sources.get(name).fields[1].encode()["max"] == 99
    await change(sources, "look", name="Look2", viewQuery="select id, num from posts")
    assert await sql(app, "SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY name") == [
        ("Look2",),
        ("further",),
    ]
