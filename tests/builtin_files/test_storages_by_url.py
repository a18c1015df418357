"""SFTP, Azure and Google Cloud Storage by configuration alone, each against a server of its kind."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncssh
import pytest
from builtin_files.opening import open_url
from builtin_files.remote import RemoteStorage
from builtin_files.workers import Workers

from pbhost.errors import JSON
from pbhost.testing import running_app
from pbhost.testing.storage_kit import KEY, LARGE, StorageKit, keys, read
from tests.builtin_files.conftest import FIELDS, Site, make_collection, png
from tests.builtin_files.storage_servers import (
    GoogleServer,
    SftpServer,
    azurite,
    google_server,
    sftp_server,
)

# adlfs sends the blocks of an upload as they are; the warning is about an event loop, and that one is its own.
pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")

HUGE = LARGE * 4  # 8 MiB, more than one part of an upload


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    workers = Workers("test-files", 4)
    yield workers
    workers.close()


@pytest.fixture(scope="module")
def sftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    with sftp_server(tmp_path_factory.mktemp("sftp")) as server:
        yield server


@pytest.fixture(scope="module")
def azure() -> Iterator[str]:
    with azurite() as connection_string:
        yield connection_string


@pytest.fixture(scope="module")
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GoogleServer]:
    with google_server(tmp_path_factory.mktemp("gcs")) as server:
        yield server


def sftp_options(server: SftpServer) -> dict[str, JSON]:
    return {"password": "secret", "host_key": server.host_key}


def google_options(server: GoogleServer) -> dict[str, JSON]:
    return {"endpoint_url": server.endpoint, "token": str(server.key_file), "project": "project"}


@asynccontextmanager
async def site_on(tmp_path: Path, files: dict[str, JSON]) -> AsyncIterator[Site]:
    async with running_app(tmp_path, options={"files": files}) as server:
        await make_collection(server, "docs", FIELDS, viewRule="", createRule="", updateRule="")
        yield Site(server, await server.superuser(), tmp_path / "pb_data" / "storage")


async def life_of_a_file(site: Site) -> None:
    """Upload, download, range, thumbnail, replacement and deletion through the API; nothing on this machine's disk."""
    record = await site.create(("one", ("Remote é.png", png())), ("title", "first"))
    path = f"/api/files/docs/{record['id']}/{record['one']}"
    status, body, headers = await site.get(path)
    assert (status, body, headers["Content-Type"]) == (200, png(), "image/png")
    status, body, headers = await site.get(path, headers={"Range": "bytes=2-5"})
    assert (status, body, headers["Content-Range"]) == (206, png()[2:6], f"bytes 2-5/{len(png())}")
    assert (await site.get(f"{path}?thumb=70x50"))[0] == 200
    attributes = await site.server.app.storage.attributes(f"{record['collectionId']}/{record['id']}/{record['one']}")
    assert dict(attributes.metadata) == {"original-filename": "Remote é.png"}
    assert len([key async for key, _ in site.server.app.storage.list()]) == 2
    assert (await site.update(record, ("one", ("b.png", png(10, 10))))).status == 200
    assert (await site.get(path))[0] == 404
    assert len([key async for key, _ in site.server.app.storage.list()]) == 1
    deleted = await site.server.request("DELETE", f"/api/collections/docs/records/{record['id']}", token=site.token)
    assert deleted.status == 204
    async with asyncio.timeout(10):
        while [key async for key, _ in site.server.app.storage.list()]:  # they go after the answer
            await asyncio.sleep(0.05)
    assert not site.storage.exists() or site.on_disk() == []


async def a_large_file(storage: RemoteStorage) -> None:
    await storage.write(KEY, HUGE, content_type="text/plain; charset=utf-8", metadata={"k": "v"})
    found = await storage.attributes(KEY)
    assert (found.size, dict(found.metadata)) == (len(HUGE), {"k": "v"})
    assert found.content_type == "text/plain; charset=utf-8"
    assert await read(storage, KEY) == HUGE
    assert await read(storage, KEY, start=7_000_000, end=7_000_010) == HUGE[7_000_000:7_000_010]


class TestSftp(StorageKit):
    @pytest.fixture
    async def storage(self, sftp: SftpServer, workers: Workers) -> AsyncIterator[RemoteStorage]:
        url = f"sftp://ann@127.0.0.1:{sftp.port}/{uuid.uuid4().hex}/files"
        storage = RemoteStorage(open_url(url, sftp_options(sftp)), workers)
        yield storage
        await storage.close()

    async def test_a_large_file(self, storage: RemoteStorage) -> None:
        await a_large_file(storage)

    async def test_a_listing_that_cannot_be_had_is_no_empty_one(self, sftp: SftpServer, workers: Workers) -> None:
        options = {**sftp_options(sftp), "password": "wrong"}
        storage = RemoteStorage(open_url(f"sftp://ann@127.0.0.1:{sftp.port}/x", options), workers)
        with pytest.raises(OSError, match="Permission denied"):
            await keys(storage)

    async def test_a_server_with_another_key_is_refused(self, sftp: SftpServer, workers: Workers) -> None:
        other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
        options = {**sftp_options(sftp), "host_key": other}
        storage = RemoteStorage(open_url(f"sftp://ann@127.0.0.1:{sftp.port}/x", options), workers)
        with pytest.raises(OSError, match=r"[Hh]ost key"):
            await storage.write(KEY, b"content")

    async def test_a_server_of_no_known_key_is_refused(
        self, sftp: SftpServer, workers: Workers, tmp_path: Path
    ) -> None:
        known = tmp_path / "known_hosts"
        known.write_text("")
        options = {"password": "secret", "known_hosts": str(known)}
        storage = RemoteStorage(open_url(f"sftp://ann@127.0.0.1:{sftp.port}/x", options), workers)
        with pytest.raises(OSError, match=r"[Hh]ost key"):
            await storage.write(KEY, b"content")
        known.write_text(f"[127.0.0.1]:{sftp.port} {sftp.host_key}\n")
        await storage.write(KEY, b"content")
        await storage.close()

    def test_an_option_with_a_typing_error_is_named(self) -> None:
        with pytest.raises(OSError, match="pasword"):
            open_url("sftp://host/x", {"pasword": "secret"})

    async def test_the_life_of_a_file(self, sftp: SftpServer, tmp_path: Path) -> None:
        url = f"sftp://ann@127.0.0.1:{sftp.port}/{uuid.uuid4().hex}"
        async with site_on(tmp_path, {"url": url, "url_options": sftp_options(sftp)}) as site:
            await life_of_a_file(site)

    async def test_a_server_that_was_away_is_used_again(self, tmp_path: Path, workers: Workers) -> None:
        with sftp_server(tmp_path) as server:
            options = sftp_options(server)
            storage = RemoteStorage(open_url(f"sftp://ann@127.0.0.1:{server.port}/files", options), workers)
            await storage.write(KEY, b"content")
        with pytest.raises(OSError, match=r"[Cc]onnect"):
            await storage.attributes(KEY)
        with sftp_server(tmp_path, server.port):
            assert await read(storage, KEY) == b"content"
            await storage.close()

    async def test_signing_in_with_a_key(self, tmp_path: Path, workers: Workers) -> None:
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(tmp_path / "key")
        key.write_public_key(tmp_path / "authorized_keys")
        with sftp_server(tmp_path) as server:
            options = {"key_filename": str(tmp_path / "key"), "host_key": server.host_key}
            storage = RemoteStorage(open_url(f"sftp://ann@127.0.0.1:{server.port}/files", options), workers)
            await storage.write(KEY, b"content")
            assert (tmp_path / "root/files" / KEY).read_bytes() == b"content"
            await storage.close()


class TestAzure(StorageKit):
    @pytest.fixture
    async def storage(self, azure: str, workers: Workers) -> RemoteStorage:
        return await made(f"abfs://{uuid.uuid4().hex}/files", {"connection_string": azure}, workers)

    async def test_there_are_no_side_files_and_the_checksum_is_the_stores(self, storage: RemoteStorage) -> None:
        given = await storage.write(KEY, b"content")
        assert await keys(storage) == [KEY]
        assert given.md5 == "mgNkuembtIDdJeHwKEyFVQ=="

    async def test_a_large_file(self, storage: RemoteStorage) -> None:
        await a_large_file(storage)

    async def test_the_life_of_a_file(self, azure: str, tmp_path: Path, workers: Workers) -> None:
        url, options = f"abfs://{uuid.uuid4().hex}/files", {"connection_string": azure}
        await made(url, options, workers)
        async with site_on(tmp_path, {"url": url, "url_options": options}) as site:
            await life_of_a_file(site)

    async def test_a_redirect_keeps_type_and_disposition(self, azure: str, tmp_path: Path, workers: Workers) -> None:
        url, options = f"abfs://{uuid.uuid4().hex}/files", {"connection_string": azure}
        await made(url, options, workers)
        async with site_on(tmp_path, {"url": url, "url_options": options, "presigned": True}) as site:
            location, name = await redirect(site)
            async with site.server.session.get(location) as answer:
                assert (answer.status, await answer.text()) == (200, "<svg/>")
                assert answer.headers["Content-Type"] == "image/svg+xml"
                assert answer.headers["Content-Disposition"] == f"attachment; filename={name}"


class TestGoogle(StorageKit):
    @pytest.fixture
    async def storage(self, google: GoogleServer, workers: Workers) -> RemoteStorage:
        return await made(f"gs://{uuid.uuid4().hex}/files", google_options(google), workers)

    async def test_attributes_are_kept(self, storage: RemoteStorage) -> None:
        # The kit's own one has a parameter in its type, which this emulator drops from uploads in one request.
        metadata = {"original-filename": "Photo é.png"}
        given = await storage.write(KEY, b"content", content_type="text/csv", metadata=metadata)
        assert (given.size, given.content_type, dict(given.metadata)) == (7, "text/csv", metadata)

    async def test_there_are_no_side_files_and_the_checksum_is_the_stores(self, storage: RemoteStorage) -> None:
        given = await storage.write(KEY, b"content")
        assert await keys(storage) == [KEY]
        assert given.md5 == "mgNkuembtIDdJeHwKEyFVQ=="

    async def test_a_large_file(self, storage: RemoteStorage) -> None:
        await a_large_file(storage)

    async def test_the_life_of_a_file(self, google: GoogleServer, tmp_path: Path, workers: Workers) -> None:
        url, options = f"gs://{uuid.uuid4().hex}/files", google_options(google)
        await made(url, options, workers)
        async with site_on(tmp_path, {"url": url, "url_options": options}) as site:
            await life_of_a_file(site)

    async def test_a_redirect_signs_type_and_disposition(
        self, google: GoogleServer, tmp_path: Path, workers: Workers
    ) -> None:
        url, options = f"gs://{uuid.uuid4().hex}/files", google_options(google)
        await made(url, options, workers)
        async with site_on(tmp_path, {"url": url, "url_options": options, "presigned": True}) as site:
            location, name = await redirect(site)
            async with site.server.session.get(location) as answer:
                assert (answer.status, await answer.text()) == (200, "<svg/>")
            # The emulator does not look at them, so it is the signed words that are compared.
            query = parse_qs(urlsplit(location).query)
            assert query["response-content-type"] == ["image/svg+xml"]
            assert query["response-content-disposition"] == [f"attachment; filename={name}"]
            assert query["X-Goog-Expires"] == ["60"]
            assert query["X-Goog-Signature"]

    async def test_without_a_key_to_sign_with_files_are_sent_from_here(
        self, google: GoogleServer, tmp_path: Path, workers: Workers
    ) -> None:
        url = f"gs://{uuid.uuid4().hex}/files"
        await made(url, google_options(google), workers)
        options: dict[str, JSON] = {"endpoint_url": google.endpoint, "token": "anon", "project": "project"}
        async with site_on(tmp_path, {"url": url, "url_options": options, "presigned": True}) as site:
            record = await site.create(("one", ("a.txt", b"content")))
            assert (await site.get(f"/api/files/docs/{record['id']}/{record['one']}"))[:2] == (200, b"content")


async def made(url: str, options: dict[str, JSON], workers: Workers) -> RemoteStorage:
    """The storage of a bucket or container that is made for the test."""
    target = open_url(url, options)
    await asyncio.to_thread(target.filesystem.mkdir, target.root.partition("/")[0])
    return RemoteStorage(target, workers)


async def redirect(site: Site) -> tuple[str, JSON]:
    """Where the download of a new file leads, and the file's name."""
    record = await site.create(("one", ("a.svg", b"<svg/>")))
    answer = await site.server.request("GET", f"/api/files/docs/{record['id']}/{record['one']}")
    assert answer.status == 302
    return answer.headers["Location"], record["one"]
