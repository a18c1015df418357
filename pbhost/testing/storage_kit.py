"""What every storage must do: subclass :class:`StorageKit` in a test module and give it a ``storage`` fixture.

::

    class TestMyStorage(StorageKit):
        @pytest.fixture
        async def storage(self):
            storage = MyStorage(...)
            await storage.start()
            yield storage
            await storage.stop()
"""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime, timedelta

import pytest

from pbhost.services import Storage

KEY = "pbc_1/record000000001/photo_4hs0d1kq2z.png"
LARGE = bytes(range(256)) * 8192  # 2 MiB, several chunks


async def read(storage: Storage, key: str, *, start: int = 0, end: int | None = None) -> bytes:
    """The bytes that a storage gives for a key."""
    return b"".join([chunk async for chunk in storage.read(key, start=start, end=end)])


async def keys(storage: Storage, prefix: str = "") -> list[str]:
    """The keys that a storage lists."""
    return [key async for key, _ in storage.list(prefix)]


class StorageKit:
    """The tests that any provider of ``provide_storage`` must pass."""

    async def test_what_was_written_is_read(self, storage: Storage) -> None:
        await storage.write(KEY, b"content", content_type="image/png", metadata={"original-filename": "Photo é.png"})
        assert await read(storage, KEY) == b"content"
        assert await storage.exists(KEY)

    async def test_attributes_are_kept(self, storage: Storage) -> None:
        metadata = {"original-filename": "Photo é.png"}
        given = await storage.write(KEY, b"content", content_type="text/plain; charset=utf-8", metadata=metadata)
        found = await storage.attributes(KEY)
        assert given.size == found.size == 7
        assert found.content_type == "text/plain; charset=utf-8"
        assert dict(found.metadata) == metadata
        assert abs(found.modified - datetime.now(UTC)) < timedelta(minutes=5)

    async def test_a_stream_is_written_from_where_it_stands(self, storage: Storage) -> None:
        source = io.BytesIO(LARGE)
        await storage.write(KEY, source)
        assert await read(storage, KEY) == LARGE

    @pytest.mark.parametrize(("start", "end"), [(0, 1), (5, 5), (300_000, 1_500_000), (2_000_000, None), (0, None)])
    async def test_a_range_is_read(self, storage: Storage, start: int, end: int | None) -> None:
        await storage.write(KEY, LARGE)
        assert await read(storage, KEY, start=start, end=end) == LARGE[start:end]

    async def test_a_large_file_comes_in_chunks(self, storage: Storage) -> None:
        await storage.write(KEY, LARGE)
        sizes = [len(chunk) async for chunk in storage.read(KEY)]
        assert sum(sizes) == len(LARGE)
        assert max(sizes) <= 1024 * 1024

    async def test_an_empty_file(self, storage: Storage) -> None:
        await storage.write(KEY, b"")
        assert await read(storage, KEY) == b""
        assert (await storage.attributes(KEY)).size == 0

    async def test_an_existing_file_is_replaced(self, storage: Storage) -> None:
        await storage.write(KEY, b"long content", content_type="a/b", metadata={"k": "v"})
        await storage.write(KEY, b"new", content_type="c/d")
        assert await read(storage, KEY) == b"new"
        found = await storage.attributes(KEY)
        assert (found.size, found.content_type, dict(found.metadata)) == (3, "c/d", {})

    async def test_a_missing_file_is_not_found(self, storage: Storage) -> None:
        assert not await storage.exists(KEY)
        with pytest.raises(FileNotFoundError):
            await storage.attributes(KEY)
        with pytest.raises(FileNotFoundError):
            await read(storage, KEY)

    async def test_a_directory_is_no_file(self, storage: Storage) -> None:
        await storage.write(KEY, b"content")
        assert not await storage.exists("pbc_1/record000000001")
        with pytest.raises(FileNotFoundError):
            await storage.attributes("pbc_1/record000000001")

    @pytest.mark.parametrize("key", ["../outside", "a/../../outside", "/etc/hostname", "", "a\ud800"])
    async def test_no_key_leads_outside(self, storage: Storage, key: str) -> None:
        assert not await storage.exists(key)
        with pytest.raises(FileNotFoundError):
            await read(storage, key)

    async def test_deleting(self, storage: Storage) -> None:
        await storage.write(KEY, b"content", metadata={"k": "v"})
        await storage.delete(KEY)
        assert not await storage.exists(KEY)
        assert await keys(storage) == []

    async def test_a_listing_has_the_keys_in_order(self, storage: Storage) -> None:
        names = ["c1/r1/a.txt", "c1/r1/thumbs_a.txt/1x1_a.txt", "c1/r2/a.txt", "c2/r1/b.txt"]
        for name in reversed(names):
            await storage.write(name, name.encode())
        assert await keys(storage) == names
        assert await keys(storage, "c1/") == names[:3]
        assert await keys(storage, "c1/r1/a") == names[:1]
        assert await keys(storage, "c3/") == []
        assert [attributes.size async for _, attributes in storage.list("c2/")] == [len(names[3])]

    async def test_deleting_a_prefix(self, storage: Storage) -> None:
        for name in ("c1/r1/a.txt", "c1/r1/thumbs_a.txt/1x1_a.txt", "c1/r10/a.txt", "c2/r1/b.txt"):
            await storage.write(name, b"content")
        await storage.delete_prefix("c1/r1/")
        assert await keys(storage) == ["c1/r10/a.txt", "c2/r1/b.txt"]
        await storage.delete_prefix("c9/")  # nothing there is fine

    async def test_a_failed_write_leaves_nothing(self, storage: Storage) -> None:
        class Broken(io.BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                raise OSError("the source broke off")

        with pytest.raises(OSError, match="broke off"):
            await storage.write(KEY, Broken())
        assert not await storage.exists(KEY)
        assert await keys(storage) == []

    async def test_many_at_once(self, storage: Storage) -> None:
        names = [f"c1/r{index}/a.txt" for index in range(40)]
        await asyncio.gather(*(storage.write(name, name.encode()) for name in names))
        assert await asyncio.gather(*(read(storage, name) for name in names)) == [name.encode() for name in names]

    async def test_a_local_path_is_where_the_file_is(self, storage: Storage) -> None:
        await storage.write(KEY, b"content")
        path = storage.local_path(KEY)
        if path is not None:
            assert path.read_bytes() == b"content"
