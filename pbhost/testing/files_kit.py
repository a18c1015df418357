"""What every files service must do: subclass :class:`FilesKit` in a test module and give it a ``running`` server.

::

    class TestMyFiles(FilesKit):
        @pytest.fixture
        async def running(self, tmp_path):
            async with running_app(tmp_path, my_plugin) as running:
                yield running

The storage below has a kit of its own: :class:`pbhost.testing.storage_kit.StorageKit`.
"""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest
from aiohttp import web

from pbhost.errors import ValidationError
from pbhost.model import Record, UploadedFile
from pbhost.testing.running import Running

#: Seconds that files which have to go are waited for.
PATIENCE = 10.0
#: One pixel.
IMAGE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
)


def upload(content: bytes = b"content", name: str = "note.txt") -> UploadedFile:
    """A file on its way into a record."""
    return UploadedFile.from_bytes(content, name)


async def keys(running: Running) -> list[str]:
    """Every key of the storage."""
    return [key async for key, _ in running.app.storage.list()]


async def settled(running: Running, expected: list[str]) -> None:
    """Waits until the storage holds exactly these keys; deletions run in the background."""
    async with asyncio.timeout(PATIENCE):
        while sorted(await keys(running)) != sorted(expected):  # noqa: ASYNC110  # storages tell nobody
            await asyncio.sleep(0.01)


class FilesKit:
    """The tests that any provider of ``provide_files`` must pass."""

    @pytest.fixture(autouse=True)
    async def _schema(self, running: Running) -> None:
        fields = [
            {"type": "text", "name": "title", "required": True},
            {"type": "file", "name": "doc", "maxSize": 100_000, "thumbs": ["10x10"]},
            {"type": "file", "name": "docs", "maxSelect": 5},
            {"type": "file", "name": "guarded", "protected": True},
        ]
        collections = running.app.collections
        await collections.save(collections.new(name="notes", fields=fields, view_rule="@request.auth.id != ''"))

    async def note(self, running: Running, **values: object) -> Record:
        """A stored record; by default with one file."""
        return await running.app.records.create("notes", {"title": "x", "doc": upload(), **values})

    def key(self, running: Running, record: Record, field: str = "doc") -> str:
        """The key of the file of a field."""
        return f"{running.app.files.base_path(record)}/{record.text(field)}"

    async def test_an_upload_is_stored_beside_its_record_and_served(self, running: Running) -> None:
        record = await self.note(running)
        assert running.app.files.base_path(record) == f"{record.collection.id}/{record.id}"
        assert await keys(running) == [self.key(running, record)]
        url = running.app.files.url(record, record.text("doc"))
        answer = await running.request("GET", url)
        assert (answer.status, answer.text) == (200, "content")
        download = await running.request("GET", running.app.files.url(record, record.text("doc"), download=True))
        assert "attachment" in download.headers["Content-Disposition"]

    async def test_a_protected_file_needs_a_token(self, running: Running) -> None:
        record = await self.note(running, doc="", guarded=upload(b"secret"))
        files = running.app.files
        assert (await running.request("GET", files.url(record, record.text("guarded")))).status == 404
        user, _ = await running.user()
        token = await running.app.auth.issue_token(user, "file")
        answer = await running.request("GET", files.url(record, record.text("guarded"), token=token))
        assert (answer.status, answer.text) == (200, "secret")

    async def test_a_write_that_fails_leaves_no_file(self, running: Running) -> None:
        for values in ({"title": ""}, {"doc": upload(b"x" * 100_001)}):
            with pytest.raises(ValidationError):
                await self.note(running, **values)
        await settled(running, [])

        async def undone() -> None:
            async with running.app.transaction() as tx:
                await running.app.records.create("notes", {"title": "x", "doc": upload()}, tx=tx)
                raise RuntimeError("changed my mind")

        with pytest.raises(RuntimeError, match="changed my mind"):
            await undone()
        await settled(running, [])

    async def test_a_replaced_file_goes_after_the_commit_and_not_before(self, running: Running) -> None:
        record = await self.note(running)
        before = self.key(running, record)
        with pytest.raises(ValidationError):
            await running.app.records.update("notes", record.id, {"title": "", "doc": upload(b"new")})
        await settled(running, [before])
        changed = await running.app.records.update("notes", record.id, {"doc": upload(b"new")})
        await settled(running, [self.key(running, changed)])

    async def test_every_file_goes_with_its_record(self, running: Running) -> None:
        kept = await self.note(running)
        record = await self.note(running, docs=[upload(b"1", "1.txt"), upload(b"2", "2.txt")])
        assert len(await keys(running)) == 4
        await running.app.records.delete(record)
        await settled(running, [self.key(running, kept)])

    async def test_a_thumbnail_is_made_once_and_goes_with_its_image(self, running: Running) -> None:
        record = await self.note(running, doc=upload(IMAGE, "dot.png"))
        files, name = running.app.files, record.text("doc")
        key = await files.thumbnail(record, name, "10x10")
        assert await running.app.storage.exists(key)
        assert await files.thumbnail(record, name, "10x10") == key
        answer = await running.request("GET", files.url(record, name, thumb="10x10"))
        assert (answer.status, answer.headers["Content-Type"]) == (200, "image/png")
        await running.app.records.delete(record)
        await settled(running, [])

    async def test_what_cannot_be_a_thumbnail_is_said(self, running: Running) -> None:
        record = await self.note(running)
        with pytest.raises(ValueError, match=r"."):
            await running.app.files.thumbnail(record, record.text("doc"), "10x10")
        image = await self.note(running, doc=upload(IMAGE, "dot.png"))
        with pytest.raises(ValueError, match=r"."):
            await running.app.files.thumbnail(image, image.text("doc"), "huge")

    async def test_a_stored_file_is_copied_to_another_record(self, running: Running) -> None:
        record = await self.note(running)
        copy = await running.app.files.copy_of(record, record.text("doc"))
        other = await running.app.records.create("notes", {"title": "y", "doc": copy})
        assert other.text("doc") != record.text("doc")
        assert (await running.request("GET", running.app.files.url(other, other.text("doc")))).text == "content"
        same = await running.app.files.copy_of(record, record.text("doc"), keep_name=True)
        assert same.name == record.text("doc")
        with pytest.raises(FileNotFoundError):
            await running.app.files.copy_of(record, "nowhere.txt")

    async def test_a_file_is_fetched_from_another_server(self, running: Running) -> None:
        async def serve(request: web.Request) -> web.Response:
            return web.Response(body=b"x" * 1000, status=404 if "missing" in request.path else 200)

        edge = web.Application()
        edge.router.add_get("/{name}", serve)
        runner = web.AppRunner(edge)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            fetched = await running.app.files.download_upload(f"{url}/photo.png")
            assert (fetched.original_name, fetched.size) == ("photo.png", 1000)
            with fetched.open() as content:
                assert content.read() == b"x" * 1000
            with pytest.raises(OSError, match=r"."):
                await running.app.files.download_upload(f"{url}/photo.png", max_bytes=999)
            with pytest.raises(OSError, match=r"."):
                await running.app.files.download_upload(f"{url}/missing.png")
        finally:
            await runner.cleanup()

    async def test_another_place_is_opened_as_a_storage(self, running: Running, tmp_path: Path) -> None:
        storage = running.app.files.open_storage(tmp_path / "elsewhere")
        await storage.write("a/b.txt", b"content")
        assert b"".join([chunk async for chunk in storage.read("a/b.txt")]) == b"content"
        assert await keys(running) == []
