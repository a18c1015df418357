"""A running server with a collection of files."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from PIL import Image

from pbhost.errors import JSON
from pbhost.testing import Answer, Running, running_app

#: A part of a form: a text, or the name and content of a file.
Part = str | tuple[str, bytes]

FIELDS: list[JSON] = [
    {"name": "title", "type": "text", "min": 2},
    {"name": "one", "type": "file", "thumbs": ["70x50", "0x40"]},
    {"name": "many", "type": "file", "maxSelect": 3, "maxSize": 2000},
    {"name": "pictures", "type": "file", "maxSelect": 2, "mimeTypes": ["image/png", "image/svg+xml"]},
    {"name": "secret", "type": "file", "protected": True},
    {"name": "internal", "type": "file", "hidden": True},
]


def png(width: int = 300, height: int = 200, colour: str = "red") -> bytes:
    """A picture."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "PNG")
    return out.getvalue()


@dataclass(slots=True)
class Site:
    """The server and what the tests do with it."""

    server: Running
    token: str
    storage: Path

    async def send(
        self, method: str, path: str, parts: Iterable[tuple[str, Part]], *, token: str | None = None
    ) -> Answer:
        """Sends a multipart form."""
        form = aiohttp.FormData(quote_fields=False, default_to_multipart=True)
        for name, part in parts:
            if isinstance(part, str):
                form.add_field(name, part)
            else:
                form.add_field(name, io.BytesIO(part[1]), filename=part[0], content_type="application/octet-stream")
        return await self.server.request(method, path, data=form, token=self.token if token is None else token)

    async def create(self, *parts: tuple[str, Part]) -> dict[str, JSON]:
        """A record of ``docs``."""
        answer = await self.send("POST", "/api/collections/docs/records", parts)
        assert answer.status == 200, answer.body
        assert isinstance(answer.body, dict)
        return answer.body

    async def update(self, record: Mapping[str, JSON], *parts: tuple[str, Part]) -> Answer:
        """Changes a record by a form."""
        return await self.send("PATCH", f"/api/collections/docs/records/{record['id']}", parts)

    async def patch(self, record: Mapping[str, JSON], body: JSON) -> Answer:
        """Changes a record by JSON."""
        return await self.server.request(
            "PATCH", f"/api/collections/docs/records/{record['id']}", body, token=self.token
        )

    async def get(
        self, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """Status, body and headers of a download."""
        async with self.server.session.request(method, self.server.url + path, headers=headers) as answer:
            return answer.status, await answer.read(), answer.headers

    def on_disk(self) -> list[str]:
        """The stored files, without their side files, as ``record/name``."""
        return sorted(
            "/".join(path.relative_to(self.storage).parts[1:])
            for path in self.storage.rglob("*")
            if path.is_file() and not path.name.endswith(".attrs")
        )

    def attrs(self, record: Mapping[str, JSON], name: object) -> dict[str, JSON]:
        """The side file of a stored file."""
        (path,) = self.storage.glob(f"*/{record['id']}/{name}.attrs")
        found = json.loads(path.read_bytes())
        assert isinstance(found, dict)
        return found


async def make_collection(server: Running, name: str, fields: JSON, **more: JSON) -> None:
    """Creates a collection."""
    made = await server.request(
        "POST", "/api/collections", {"name": name, "fields": fields, **more}, token=await server.superuser()
    )
    assert made.status == 200, made.body


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with running_app(tmp_path) as server:
        await make_collection(server, "docs", FIELDS, viewRule="", createRule="", updateRule="")
        yield Site(server, await server.superuser(), tmp_path / "pb_data" / "storage")
