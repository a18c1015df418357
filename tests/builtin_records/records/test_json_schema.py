"""JSON fields with a JSON Schema: checked when the collection is saved, violations are field errors with a path."""

from __future__ import annotations

from typing import Any

import pytest

from pbhost.errors import JSON
from tests.builtin_records.records.conftest import Blog

ORDER: dict[str, JSON] = {
    "type": "object",
    "required": ["items"],
    "additionalProperties": False,
    "patternProperties": {"^x-": {"type": "string"}},
    "properties": {
        "items": {"type": "array", "uniqueItems": True, "items": {"$ref": "#/$defs/item"}},
        "mail": {"type": "string", "format": "email"},
        "code": {"type": "string", "pattern": "^(a+)+$"},
    },
    "$defs": {"item": {"type": "object", "properties": {"a/b": {"type": "number", "minimum": 0}}}},
}


def json_field(schema: JSON, **options: JSON) -> dict[str, JSON]:
    return {"type": "json", "name": "data", "schema": schema, **options}


@pytest.mark.parametrize(
    ("value", "path", "keyword"),
    [
        ({"items": [{"a/b": 1}, {"a/b": 2}], "x-note": "hi"}, None, ""),
        (None, None, ""),
        ("", None, ""),
        ({}, "", "required"),
        ([], "", "type"),
        ({"items": [{"a/b": 1}, {"a/b": -1}]}, "/items/1/a~1b", "minimum"),
        ({"items": [{"a/b": 1}, {"a/b": 1.0}]}, "/items", "uniqueItems"),
        ({"items": [], "other": 1}, "", "additionalProperties"),
        ({"items": [], "x-note": 1}, "/x-note", "type"),
        ({"items": [], "mail": "nobody"}, "/mail", "format"),
        ({"items": [], "code": "a" * 50_000 + "b"}, "/code", "pattern"),
        ({"items": [[]] * 30_000}, "", ""),
    ],
)
async def test_values_follow_the_schema(blog: Blog, value: object, path: str | None, keyword: str) -> None:
    await blog.define("orders", [json_field(ORDER)])
    answer = await blog.post("orders", {"data": value})
    if path is None:
        assert answer.status == 200, answer.body
        return
    data: Any = answer["data"]
    assert answer.status == 400
    assert data["data"]["code"] == "validation_json_schema"
    assert data["data"]["params"] == {"path": path, "keyword": keyword}
    assert len(data["data"]["message"]) < 400


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"$ref": "https://example.com/schema.json"},
        {"$ref": "#/$defs/missing"},
        {"properties": {"a": {"$id": "other"}}},
        {"pattern": "(?=a)"},
        {"$schema": "https://example.com/unknown"},
        {"description": "x" * 70_000},
        {"patternProperties": {"^a": True}, "unevaluatedProperties": False},
    ],
)
async def test_a_schema_that_cannot_be_used_is_refused(blog: Blog, schema: JSON) -> None:
    body = {"name": "orders", "type": "base", "fields": [json_field(schema)]}
    answer = await blog.running.request("POST", "/api/collections", body, token=blog.root)
    data: Any = answer["data"]
    assert answer.status == 400
    assert data["fields"]["1"]["schema"]["code"] == "validation_invalid_json_schema"


async def test_a_schema_that_refers_to_itself_without_end_ends(blog: Blog) -> None:
    await blog.define("orders", [json_field({"$ref": "#"})])
    assert (await blog.post("orders", {"data": 1})).status == 400


async def test_the_option_is_absent_unless_set(blog: Blog) -> None:
    await blog.define("plain", [{"type": "json", "name": "data"}])
    await blog.define("orders", [json_field({"type": "integer"})])

    async def options(name: str) -> Any:
        collection: Any = (await blog.running.request("GET", f"/api/collections/{name}", token=blog.root)).body
        return next(field for field in collection["fields"] if field["name"] == "data"), collection["fields"]

    assert "schema" not in (await options("plain"))[0]
    shown, fields = await options("orders")
    assert shown["schema"] == {"type": "integer"}
    next(field for field in fields if field["name"] == "data")["schema"] = None
    await blog.change("orders", fields=fields)
    assert "schema" not in (await options("orders"))[0]
    assert (await blog.post("orders", {"data": "text"})).status == 200


async def test_a_schema_survives_a_restart_of_the_schema(blog: Blog) -> None:
    await blog.define("orders", [json_field({"type": "integer"})])
    await blog.app.collections.reload()
    assert (await blog.post("orders", {"data": "text"})).status == 400
    assert (await blog.post("orders", {"data": 5})).status == 200
    assert (await blog.running.request("POST", "/api/collections/orders/records", {"data": 0})).status == 200


async def test_deep_values_are_field_errors(blog: Blog) -> None:
    await blog.define("orders", [{"type": "json", "name": "data"}, {"type": "json", "name": "other", "schema": {}}])
    for depth in (120, 400, 600, 900, 1000, 1020):
        for name in ("data", "other"):
            text = f'{{"{name}":' + '{"a":' * depth + "1.5" + "}" * depth + "}"
            answer = await blog.running.request(
                "POST",
                "/api/collections/orders/records",
                data=text,
                headers={"Content-Type": "application/json"},
            )
            assert answer.status in (200, 400), (depth, answer.body)
            if answer.status == 400 and depth < 1000:
                assert name in answer["data"], answer.body  # type: ignore[operator]  # an object of field errors


async def test_texts_without_a_utf_8_form_are_no_choices(blog: Blog) -> None:
    await blog.define("things", [{"type": "select", "name": "kinds", "values": ["?", "a"], "maxSelect": 2}])
    from pbhost.errors import ValidationError

    with pytest.raises(ValidationError):
        await blog.app.records.create("things", {"kinds": ["\ud800"]})
