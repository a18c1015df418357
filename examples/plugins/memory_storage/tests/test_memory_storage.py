"""The storage by itself, and a server that keeps its files in it."""

from __future__ import annotations

import io
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pbhost_memory_storage
import pytest
from pbhost_memory_storage.storage import FsspecStorage
from PIL import Image

from pbhost.testing import Running, running_app
from pbhost.testing.storage_kit import StorageKit


class TestInMemory(StorageKit):
    @pytest.fixture
    async def storage(self) -> AsyncIterator[FsspecStorage]:
        storage = FsspecStorage(f"memory://{uuid.uuid4().hex}", {}, 4)
        await storage.start()
        yield storage
        await storage.stop()


class TestInADirectory(StorageKit):
    @pytest.fixture
    async def storage(self, tmp_path: Path) -> AsyncIterator[FsspecStorage]:
        storage = FsspecStorage(f"file://{tmp_path}", {}, 4)
        await storage.start()
        yield storage
        await storage.stop()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    url = f"memory://{uuid.uuid4().hex}"
    async with running_app(tmp_path, pbhost_memory_storage.plugin, options={"memory_storage": {"url": url}}) as running:
        made = await running.request(
            "POST",
            "/api/collections",
            {"name": "photos", "fields": [{"name": "image", "type": "file"}], "viewRule": "", "createRule": ""},
            token=await running.superuser(),
        )
        assert made.status == 200, made.body
        yield running


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 200), "red").save(out, "PNG")
    return out.getvalue()


async def test_a_file_is_uploaded_downloaded_and_deleted_without_touching_the_disk(
    server: Running, tmp_path: Path
) -> None:
    form = aiohttp.FormData()
    form.add_field("image", picture(), filename="Photo.png", content_type="image/png")
    made = await server.request("POST", "/api/collections/photos/records", data=form)
    assert made.status == 200, made.body
    path = f"/api/files/photos/{made['id']}/{made['image']}"
    async with server.session.get(server.url + path) as answer:
        assert (answer.status, await answer.read()) == (200, picture())
        assert answer.headers["Content-Type"] == "image/png"
    async with server.session.get(f"{server.url}{path}?thumb=100x100") as answer:
        assert Image.open(io.BytesIO(await answer.read())).size == (100, 100)
    assert not (tmp_path / "pb_data" / "storage").exists()

    update = {"image": ""}
    record = f"/api/collections/photos/records/{made['id']}"
    answer = await server.request("PATCH", record, update, token=await server.superuser())
    assert (answer.status, answer["image"]) == (200, "")
    assert [key async for key, _ in server.app.storage.list()] == []
