"""The storages: what any must do, and what is particular to a directory."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from builtin_files.local import LocalStorage
from builtin_files.opening import open_url
from builtin_files.remote import RemoteStorage
from builtin_files.s3 import S3Settings, open_bucket
from builtin_files.workers import Workers
from moto.server import ThreadedMotoServer

from pbhost.testing.storage_kit import KEY, StorageKit, keys, read

pytestmark = pytest.mark.asyncio


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    workers = Workers("test-files", 4)
    yield workers
    workers.close()


class TestLocal(StorageKit):
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        return tmp_path / "storage"

    @pytest.fixture
    def storage(self, root: Path, workers: Workers) -> LocalStorage:
        return LocalStorage(root, workers)

    async def test_the_layout_is_that_of_pocketbase(self, root: Path, storage: LocalStorage) -> None:
        await storage.write(KEY, b"content", content_type="image/png", metadata={"original-filename": "Photo.png"})
        assert sorted(item.relative_to(root).as_posix() for item in root.rglob("*") if item.is_file()) == [
            KEY,
            f"{KEY}.attrs",
        ]
        side = json.loads((root / f"{KEY}.attrs").read_bytes())
        assert side["user.metadata"] == {"original-filename": "Photo.png"}
        assert side["md5"] == base64.b64encode(hashlib.md5(b"content").digest()).decode()

    async def test_a_file_without_a_side_file_is_unknown_binary(self, root: Path, storage: LocalStorage) -> None:
        (root / "c/r").mkdir(parents=True)
        (root / "c/r/a.png").write_bytes(b"x")
        found = await storage.attributes("c/r/a.png")
        assert (found.content_type, found.metadata, found.size) == ("application/octet-stream", {}, 1)

    async def test_a_side_file_is_no_file(self, storage: LocalStorage) -> None:
        await storage.write(KEY, b"content")
        assert not await storage.exists(f"{KEY}.attrs")
        with pytest.raises(OSError, match="cannot be a storage key"):
            await storage.write(f"{KEY}.attrs", b"content")

    async def test_deleting_a_file_takes_its_side_file_along(self, root: Path, storage: LocalStorage) -> None:
        await storage.write(KEY, b"content")
        await storage.delete(KEY)
        assert [item for item in root.rglob("*") if item.is_file()] == []

    async def test_an_empty_directory_can_be_deleted_and_no_other(self, root: Path, storage: LocalStorage) -> None:
        await storage.write("c/r/a.png", b"x")
        with pytest.raises(OSError, match="not empty"):
            await storage.delete("c/r")
        await storage.delete("c/r/a.png")
        await storage.delete("c/r")
        assert not (root / "c/r").exists()

    async def test_deleting_a_prefix_removes_emptied_directories(self, root: Path, storage: LocalStorage) -> None:
        await storage.write("c/r1/a.png", b"x")
        await storage.write("c/r1/thumbs_a.png/1x1_a.png", b"x")
        await storage.write("c/r2/a.png", b"x")
        await storage.delete_prefix("c/r1/")
        assert sorted(item.name for item in (root / "c").iterdir()) == ["r2"]

    async def test_the_whole_storage_is_not_deleted_by_accident(self, storage: LocalStorage) -> None:
        await storage.write(KEY, b"x")
        with pytest.raises(OSError, match="every file"):
            await storage.delete_prefix("")
        assert await storage.exists(KEY)

    async def test_an_unfinished_write_is_neither_listed_nor_a_file(self, root: Path, storage: LocalStorage) -> None:
        await storage.write("c/r/a.png", b"x")
        (root / ".pbhost-drafts").mkdir()
        (root / ".pbhost-drafts/0123456789abcdef").write_bytes(b"half")
        assert await keys(storage) == ["c/r/a.png"]
        assert not await storage.exists(".pbhost-drafts/0123456789abcdef")
        with pytest.raises(OSError, match="kept for unfinished writes"):
            await storage.write(".pbhost-drafts/x", b"x")

    async def test_a_name_that_is_too_long_is_not_found(self, storage: LocalStorage) -> None:
        assert not await storage.exists("c/r/" + "a" * 1000)
        with pytest.raises(FileNotFoundError):
            await storage.attributes("c/r/" + "a" * 1000)

    async def test_a_small_file_comes_with_its_attributes(self, storage: LocalStorage) -> None:
        await storage.write(KEY, b"content", content_type="image/png")
        attributes, content = await storage.fetch(KEY, 7)
        assert (attributes.content_type, content) == ("image/png", b"content")
        assert (await storage.fetch(KEY, 6))[1] is None

    async def test_odd_keys_survive(self, root: Path, storage: LocalStorage) -> None:
        await storage.write("c/a\nb", b"x")
        assert (root / "c/a__0xa__b").exists()
        assert await keys(storage) == ["c/a\nb"]


class TestFsspec(StorageKit):
    @pytest.fixture
    def storage(self, workers: Workers) -> RemoteStorage:
        return RemoteStorage(open_url(f"memory://{uuid.uuid4().hex}/files", {}), workers)

    async def test_the_layout_is_that_of_the_local_storage(self, storage: RemoteStorage) -> None:
        await storage.write("c/r/a.txt", b"x", content_type="text/plain")
        await storage.delete("c/r/a.txt")
        assert await keys(storage, "c/") == []

    async def test_an_unknown_protocol_is_named(self) -> None:
        with pytest.raises(OSError, match="nosuch"):
            open_url("nosuch://x", {})


class TestFsspecLocal(StorageKit):
    """The same code on a file system that has real directories."""

    @pytest.fixture
    def storage(self, tmp_path: Path, workers: Workers) -> RemoteStorage:
        return RemoteStorage(open_url(f"file://{tmp_path}/files", {}), workers)

    async def test_it_reads_what_the_local_storage_wrote(
        self, tmp_path: Path, workers: Workers, storage: RemoteStorage
    ) -> None:
        await LocalStorage(tmp_path / "files", workers).write(KEY, b"content", content_type="image/png")
        assert await read(storage, KEY) == b"content"
        assert (await storage.attributes(KEY)).content_type == "image/png"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class TestS3(StorageKit):
    """The bucket of the settings, against a server that speaks S3."""

    @pytest.fixture
    async def storage(self, endpoint: str, workers: Workers) -> RemoteStorage:
        bucket = f"files-{uuid.uuid4().hex}"
        target = open_bucket(S3Settings(bucket, endpoint, "eu-west-1", "key", "secret", force_path_style=True))
        await asyncio.to_thread(target.filesystem.mkdir, bucket)
        return RemoteStorage(target, workers)

    async def test_there_are_no_side_files(self, storage: RemoteStorage) -> None:
        await storage.write(KEY, b"content", content_type="image/png")
        assert await keys(storage) == [KEY]

    async def test_deleting_a_missing_file_succeeds(self, storage: RemoteStorage) -> None:
        await storage.delete("c/r/missing")

    @pytest.mark.parametrize("missing", ["bucket", "endpoint", "region"])
    async def test_incomplete_settings_are_refused(self, missing: str) -> None:
        settings = S3Settings("bucket", "endpoint", "region", "key", "secret", force_path_style=False)
        with pytest.raises(OSError, match=missing):
            open_bucket(replace(settings, **{missing: ""}))  # type: ignore[arg-type]  # all of these are text
