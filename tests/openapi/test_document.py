"""The description of the server: complete, valid, and only what its reader may know."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from builtin_operations.openapi.document import operations_of

from pbhost import hookimpl
from pbhost.errors import JSON
from pbhost.http import Route, RouteSchema
from pbhost.testing import Running, running_app


class Weather:
    NAME = "weather"

    @hookimpl
    def register_routes(self) -> list[Route]:
        async def handler(_request: object) -> object:
            return {"degrees": 21}

        schema = RouteSchema(answer={"type": "object", "properties": {"degrees": {"type": "number"}}})
        return [Route("GET", "/api/weather/{city}", handler, summary="The weather", schema=schema)]


async def described(server: Running, token: str = "") -> dict[str, JSON]:
    answer = await server.request("GET", "/api/openapi.json", token=token)
    assert answer.status == 200
    return cast("dict[str, JSON]", answer.body)


async def make_posts(server: Running, token: str) -> None:
    fields = [
        {"name": "title", "type": "text", "required": True},
        {"name": "secret", "type": "text", "hidden": True},
        {"name": "cover", "type": "file"},
    ]
    body = {"name": "posts", "fields": fields, "listRule": ""}
    assert (await server.request("POST", "/api/collections", body, token=token)).status == 200


async def test_every_route_is_listed_and_the_document_follows_the_schema(tmp_path: Path) -> None:
    async with running_app(tmp_path, Weather()) as server:
        token = await server.superuser()
        assert ("GET", "/api/collections/posts/records") not in operations_of(await described(server, token))
        await make_posts(server, token)
        document = await described(server, token)
        listed = operations_of(document)
        assert ("GET", "/api/weather/{city}") in listed
        for method, path in (
            ("GET", "/api/collections/posts/records"),
            ("PATCH", "/api/collections/posts/records/{id}"),
            ("POST", "/api/collections/users/auth-with-password"),
            ("POST", "/api/collections/{collection}"),
        ):
            assert ((method, path) in listed) == (path != "/api/collections/{collection}")
        schemas = cast("dict[str, dict[str, JSON]]", cast("dict[str, JSON]", document["components"])["schemas"])
        assert schemas["postsCreate"]["required"] == ["title"]
        assert "secret" in cast("dict[str, JSON]", schemas["posts"]["properties"])
        assert "postsUpdateFiles" in schemas


async def test_only_superusers_see_it_unless_it_is_published(tmp_path: Path) -> None:
    async with running_app(tmp_path) as server:
        assert (await server.request("GET", "/api/openapi.json")).status == 403
    async with running_app(tmp_path, options={"operations": {"openapi": "off"}}) as server:
        assert (await server.request("GET", "/api/openapi.json")).status == 404
    async with running_app(tmp_path, options={"operations": {"openapi": "public"}}) as server:
        await make_posts(server, await server.superuser())
        document = await described(server)
        listed = operations_of(document)
        assert ("GET", "/api/collections/posts/records") in listed
        hidden = [("POST", "/api/collections/posts/records"), ("GET", "/api/settings"), ("POST", "/api/sql")]
        assert [item for item in hidden if item in listed] == []
        assert not [path for _, path in listed if "_superusers" in path]
        assert "secret" not in str(document)


@pytest.mark.parametrize("path", ["/api/docs", "/api/docs/page.js", "/api/docs/page.css"])
async def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path, path: str) -> None:
    async with running_app(tmp_path) as server:
        answer = await server.request("GET", path)
        assert answer.status == 200
        assert "http://" not in str(answer.body)
        assert "https://" not in str(answer.body)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert (await server.request("GET", "/api/docs/..%2fapi.py")).status == 404
