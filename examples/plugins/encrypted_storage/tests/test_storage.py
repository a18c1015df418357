"""The storage by itself: the kit that every storage must pass, and what whoever has the storage below can do."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import pytest
import pytest_asyncio
from pbhost_encrypted_storage import EncryptedStorage
from pbhost_encrypted_storage.errors import (
    DamagedError,
    DecryptionError,
    MissingKeyError,
    PlainFileError,
    WrongKeyError,
)
from pbhost_encrypted_storage.format import CHUNK, SEALED
from pbhost_encrypted_storage.keyring import KEY_BYTES, Keyring

from pbhost.services import FileAttributes, Storage
from pbhost.testing import running_app
from pbhost.testing.storage_kit import StorageKit, keys, read

# One server below all tests of this module: they need its storage, and nothing else of it.
pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = "pbc_1/record000000001/report_4hs0d1kq2z.pdf"
OTHER = "pbc_1/record000000002/report_4hs0d1kq2z.pdf"
FIRST, SECOND = os.urandom(KEY_BYTES), os.urandom(KEY_BYTES)
#: Around every boundary of a chunk.
SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["directory", "fsspec"])
async def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Storage]:
    """The storages below: the default one, and a file system of fsspec."""
    place = tmp_path_factory.mktemp("below")
    options = {"files": {"url": f"memory://{place.name}"}} if request.param == "fsspec" else {}
    async with running_app(place, only=("sqlite", "files"), options=options) as running:
        yield running.app.storage


@pytest_asyncio.fixture(loop_scope="module")
async def inner(shared: Storage) -> AsyncIterator[Storage]:
    """The same, empty."""
    yield shared
    await shared.delete_prefix("pbc_1/")
    await shared.delete_prefix("c")


@pytest.fixture
def storage(inner: Storage) -> EncryptedStorage:
    return EncryptedStorage(inner, Keyring("first", {"first": FIRST}))


class TestStorage(StorageKit):
    pass


async def test_nothing_of_the_content_and_its_attributes_is_legible_below(
    storage: EncryptedStorage, inner: Storage
) -> None:
    metadata = {"original-filename": "Dismissal of J. Doe.pdf"}
    await storage.write(KEY, b"a secret text " * 1000, content_type="application/pdf", metadata=metadata)
    stored, below = await read(inner, KEY), await inner.attributes(KEY)
    for secret in (b"secret", b"Doe", b"pdf"):
        assert secret not in stored
    assert (below.content_type, dict(below.metadata)) == ("application/octet-stream", {})
    assert storage.local_path(KEY) is None
    assert await storage.presigned_url(KEY, seconds=60) is None
    await storage.write(OTHER, b"a secret text " * 1000, content_type="application/pdf", metadata=metadata)
    assert stored[200:] != (await read(inner, OTHER))[200:]


async def test_every_range_around_the_boundaries_of_chunks(storage: EncryptedStorage) -> None:
    points = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK - 1, 3 * CHUNK, 3 * CHUNK + 5]
    for size in SIZES:
        content = os.urandom(size)
        given = await storage.write(KEY, io.BytesIO(content))
        assert given.size == (await storage.attributes(KEY)).size == size
        for start in points:
            for end in (None, *(point for point in points if point >= start)):
                assert await read(storage, KEY, start=start, end=end) == content[start:end], (size, start, end)


async def test_a_range_fetches_only_the_chunks_that_it_needs(inner: Storage) -> None:
    fetched: list[tuple[int, int | None]] = []

    class Counting:
        def __getattr__(self, name: str) -> object:
            return getattr(inner, name)

        def read(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
            fetched.append((start, end))
            return inner.read(key, start=start, end=end)

    storage = EncryptedStorage(Counting(), Keyring("first", {"first": FIRST}))  # type: ignore[arg-type]  # the rest is inner's
    content = os.urandom(40 * CHUNK)
    await storage.write(KEY, content)
    assert (
        await read(storage, KEY, start=20 * CHUNK + 7, end=21 * CHUNK + 9) == content[20 * CHUNK + 7 : 21 * CHUNK + 9]
    )
    assert sum((end or 0) - start for start, end in fetched) <= 2 * SEALED + 2000


# -- keys --------------------------------------------------------------------------------------------------------------


async def test_files_of_an_old_key_stay_readable_and_are_rotated(storage: EncryptedStorage, inner: Storage) -> None:
    content = os.urandom(5 * CHUNK + 1)
    await storage.write(KEY, content, content_type="image/png", metadata={"a": "b"})
    both = EncryptedStorage(inner, Keyring("second", {"first": FIRST, "second": SECOND}))
    await both.write(OTHER, b"new")
    assert await read(both, KEY) == content
    assert dict([item async for item in both.key_ids()]) == {KEY: "first", OTHER: "second"}
    assert await both.rotate(KEY)
    new = EncryptedStorage(inner, Keyring("second", {"second": SECOND}))
    assert await read(new, KEY) == content
    found = await new.attributes(KEY)
    assert (found.content_type, dict(found.metadata)) == ("image/png", {"a": "b"})
    assert not await both.rotate("pbc_1/gone")


async def test_a_missing_and_a_wrong_key_are_told_apart_from_damage(storage: EncryptedStorage, inner: Storage) -> None:
    await storage.write(KEY, b"content")
    missing = EncryptedStorage(inner, Keyring("second", {"second": SECOND}))
    wrong = EncryptedStorage(inner, Keyring("first", {"first": SECOND}))
    for one, error, message in (
        (missing, MissingKeyError, "the key 'first', which .* does not have"),
        (wrong, WrongKeyError, f"the key 'first' is not the one that '{KEY}' was written with"),
    ):
        with pytest.raises(error, match=message):
            await read(one, KEY)
        with pytest.raises(error):
            await one.attributes(KEY)
        assert await keys(one) == [KEY]  # a listing goes on; it is what the sweep and the copy work with


async def test_files_from_before_are_refused_unless_they_are_accepted(
    storage: EncryptedStorage, inner: Storage
) -> None:
    content = os.urandom(2 * CHUNK)
    await inner.write(KEY, content, content_type="image/png")
    with pytest.raises(PlainFileError, match="accept_plain"):
        await read(storage, KEY)
    lenient = EncryptedStorage(inner, Keyring("first", {"first": FIRST}), accept_plain=True)
    assert await read(lenient, KEY) == content
    assert await read(lenient, KEY, start=CHUNK + 1, end=CHUNK + 5) == content[CHUNK + 1 : CHUNK + 5]
    assert (await lenient.attributes(KEY)).size == len(content)
    assert [item async for item in lenient.key_ids()] == [(KEY, "")]
    assert await lenient.rotate(KEY)
    assert await read(storage, KEY) == content
    assert (await storage.attributes(KEY)).content_type == "image/png"


# -- an attacker who can write to the storage below --------------------------------------------------------------------

Attack = Callable[[bytearray, int], bytes]


def flipped(at: int) -> Attack:
    def attack(stored: bytearray, head: int) -> bytes:
        stored[at if at >= 0 else len(stored) + at] ^= 1
        return bytes(stored)

    return attack


def flipped_in_chunk(stored: bytearray, head: int) -> bytes:
    stored[head + SEALED + 100] ^= 1
    return bytes(stored)


def swapped_chunks(stored: bytearray, head: int) -> bytes:
    first, second = stored[head : head + SEALED], stored[head + SEALED : head + 2 * SEALED]
    return bytes(stored[:head] + second + first + stored[head + 2 * SEALED :])


def repeated_chunk(stored: bytearray, head: int) -> bytes:
    return bytes(stored[: head + SEALED] + stored[head:])


def missing_chunk(stored: bytearray, head: int) -> bytes:
    return bytes(stored[: head + SEALED] + stored[head + 2 * SEALED :])


ATTACKS: Mapping[str, Attack] = {
    "salt": flipped(20),
    "verifier": flipped(50),
    "attributes": flipped(80),
    "length of the attributes": flipped(61),
    "a bit of a chunk": flipped_in_chunk,
    "the last bit": flipped(-1),
    "chunks swapped": swapped_chunks,
    "chunk repeated": repeated_chunk,
    "chunk removed": missing_chunk,
    "cut in a chunk": lambda stored, head: bytes(stored[: head + SEALED + 50]),
    "cut between chunks": lambda stored, head: bytes(stored[: head + 2 * SEALED]),
    "cut after the head": lambda stored, head: bytes(stored[:head]),
    "cut in the head": lambda stored, head: bytes(stored[: head - 3]),
    "cut to the magic bytes": lambda stored, head: bytes(stored[:6]),
    "appended": lambda stored, head: bytes(stored) + b"x",
    "a chunk appended": lambda stored, head: bytes(stored + stored[head : head + SEALED]),
    "emptied": lambda stored, head: b"",
}


@pytest.mark.parametrize("name", ATTACKS)
async def test_what_was_tampered_with_is_not_given_out(storage: EncryptedStorage, inner: Storage, name: str) -> None:
    content = os.urandom(3 * CHUNK)
    await storage.write(KEY, content, metadata={"a": "b"})
    stored = bytearray(await read(inner, KEY))
    head = len(stored) - 3 * SEALED
    await inner.write(KEY, ATTACKS[name](stored, head))
    out = b""
    with pytest.raises(DecryptionError):  # noqa: PT012  # what came before the error counts too
        async for chunk in storage.read(KEY):
            out += chunk
    assert content.startswith(out)
    assert len(out) < len(content)


async def test_a_file_in_the_place_of_another_does_not_open(storage: EncryptedStorage, inner: Storage) -> None:
    await storage.write(KEY, b"of one user")
    await inner.write(OTHER, await read(inner, KEY))
    for attempt in (lambda: read(storage, OTHER), lambda: storage.attributes(OTHER)):
        with pytest.raises(DamagedError, match="tampered"):
            await _awaited(attempt)


async def _awaited(attempt: Callable[[], Awaitable[bytes | FileAttributes]]) -> None:
    await attempt()


async def test_the_source_breaks_off(storage: EncryptedStorage) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 2 * CHUNK:
                raise OSError("the source broke off")
            return super().read(size)

    with pytest.raises(OSError, match="broke off"):
        await storage.write(KEY, Broken(os.urandom(5 * CHUNK)))
    assert await keys(storage) == []


async def test_metadata_without_end_are_refused(storage: EncryptedStorage) -> None:
    with pytest.raises(OSError, match="too long"):
        await storage.write(KEY, b"content", metadata={"a": "b" * 100_000})
    long = {"a": "ä" * 5000}
    await storage.write(KEY, b"content", metadata=long)
    assert dict((await storage.attributes(KEY)).metadata) == long
