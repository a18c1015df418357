"""``pbhost storage copy`` and redirects to a bucket, against a server that speaks S3."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from builtin_files.copying import Outcome, StorageCopy
from builtin_files.local import LocalStorage
from builtin_files.remote import RemoteStorage
from builtin_files.s3 import S3Settings, open_bucket
from builtin_files.workers import Workers
from moto.server import ThreadedMotoServer

from pbhost.errors import JSON
from pbhost.testing import running_app
from pbhost.testing.storage_kit import keys, read
from tests.builtin_files.conftest import FIELDS, Site, make_collection, png

LARGE = bytes(range(256)) * 32_000  # more than a part of an upload


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


async def make_bucket(endpoint: str) -> tuple[str, RemoteStorage, Workers]:
    name = f"files-{uuid.uuid4().hex}"
    target = open_bucket(S3Settings(name, endpoint, "eu-west-1", "key", "secret", force_path_style=True))
    await asyncio.to_thread(target.filesystem.mkdir, name)
    workers = Workers("test-bucket", 4)
    return name, RemoteStorage(target, workers), workers


async def copy(source: object, target: object, prefix: str = "", *, is_dry: bool = False) -> Outcome:
    return await StorageCopy(source, target, is_dry=is_dry).run(prefix, lambda _done: None)  # type: ignore[arg-type]


async def test_a_copy_to_a_bucket_and_back(tmp_path: Path, endpoint: str) -> None:
    workers = Workers("test-files", 4)
    _, bucket, others = await make_bucket(endpoint)
    try:
        local = LocalStorage(tmp_path / "a", workers)
        await local.write("c1/r1/a.png", b"picture", content_type="image/png", metadata={"original-filename": "é.png"})
        await local.write("c1/r1/large.bin", LARGE)
        await local.write("c2/r1/empty.txt", b"", content_type="text/plain")

        done = await copy(local, bucket, is_dry=True)
        assert (done.copied, done.failed, await keys(bucket)) == (3, [], [])
        done = await copy(local, bucket, "c1/")
        assert (done.copied, done.size, done.failed) == (2, 7 + len(LARGE), [])
        done = await copy(local, bucket)
        assert (done.copied, done.skipped, done.failed) == (1, 2, [])
        found = await bucket.attributes("c1/r1/a.png")
        assert (found.content_type, dict(found.metadata)) == ("image/png", {"original-filename": "é.png"})

        back = LocalStorage(tmp_path / "b", workers)
        done = await copy(bucket, back)
        assert (done.copied, done.failed) == (3, [])
        assert await read(back, "c1/r1/large.bin") == LARGE
        assert (await back.attributes("c1/r1/a.png")).metadata == found.metadata

        # The same size but other bytes: copied again, not taken for the same.
        await bucket.write("c1/r1/a.png", b"PICTURE", content_type="image/png")
        done = await copy(local, bucket)
        assert (done.copied, done.skipped, done.failed) == (1, 2, [])
        assert await read(bucket, "c1/r1/a.png") == b"picture"
    finally:
        workers.close()
        others.close()


async def test_what_cannot_be_copied_is_told_and_ends_nothing(tmp_path: Path) -> None:
    workers, others = Workers("test-from", 4), Workers("test-to", 4)
    try:
        source, target = LocalStorage(tmp_path / "a", workers), LocalStorage(tmp_path / "b", others)
        for key in ("c/r1/a", "c/r2/b", "c/r3/c"):
            await source.write(key, b"content")
        (tmp_path / "a/c/r2/b").write_bytes(b"CONTENT")  # not what its side file says
        (tmp_path / "b/c").mkdir(parents=True)
        (tmp_path / "b/c/r3").write_bytes(b"in the way")
        done = await copy(source, target)
        assert done.copied == 1
        assert [key for key, _ in sorted(done.failed)] == ["c/r2/b", "c/r3/c"]
    finally:
        workers.close()
        others.close()


async def command(*arguments: str) -> tuple[int, str]:
    import sys

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pbhost", "storage", "copy", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_the_command_beside_a_running_server(tmp_path: Path) -> None:
    async with running_app(tmp_path) as server:
        await make_collection(server, "docs", FIELDS, viewRule="", createRule="", updateRule="")
        site = Site(server, await server.superuser(), tmp_path / "pb_data" / "storage")
        await site.create(("one", ("a.png", png())))
        directory = ("--dir", str(tmp_path / "pb_data"))
        target = f"file://{tmp_path}/elsewhere"
        for expected in ("1 copied", "1 already there"):
            code, output = await command("local", target, *directory)
            assert code == 0, output
            assert expected in output
    assert len([path for path in (tmp_path / "elsewhere").rglob("*.png") if path.is_file()]) == 1
    for arguments, code, text in (
        (("local", "local"), 2, "same storage"),
        (("local", "nosuch"), 1, "neither local, s3"),
        (("local", "s3"), 1, "lack bucket"),
    ):
        assert (found := await command(*arguments, *directory))[0] == code, found
        assert text in found[1]


async def test_a_redirect_to_the_bucket_keeps_type_and_disposition(tmp_path: Path, endpoint: str) -> None:
    bucket, storage, workers = await make_bucket(endpoint)
    url_options: dict[str, JSON] = {"key": "key", "secret": "secret", "endpoint_url": endpoint}
    options: dict[str, dict[str, JSON]] = {
        "files": {"url": f"s3://{bucket}", "url_options": url_options, "presigned": True, "presigned_seconds": 30}
    }
    try:
        async with running_app(tmp_path, options=options) as server:
            await make_collection(server, "docs", FIELDS, viewRule=None, createRule="", updateRule="")
            site = Site(server, await server.superuser(), tmp_path)
            record = await site.create(("one", ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>')))
            path = f"/api/files/docs/{record['id']}/{record['one']}"
            answer = await server.request("GET", path)
            assert (answer.status, answer.headers["Cache-Control"]) == (302, "no-store")
            location = answer.headers["Location"]
            assert location.startswith(f"{endpoint}/{bucket}/")
            assert "X-Amz-Expires=30" in location or "Expires=" in location
            async with server.session.get(location) as fetched:
                assert fetched.status == 200
                assert fetched.headers["Content-Type"] == "image/svg+xml"
                assert fetched.headers["Content-Disposition"] == f"attachment; filename={record['one']}"
            assert (await site.get(path, method="HEAD"))[0] == 200
            assert (await server.request("GET", f"{path}x")).status == 404
            # A protected file whose rule does not pass has no URL.
            secret = await site.create(("secret", ("b.txt", b"b")))
            assert (await server.request("GET", f"/api/files/docs/{secret['id']}/{secret['secret']}")).status == 404
            await storage.delete(f"{record['collectionId']}/{record['id']}/{record['one']}")
            assert (await server.request("GET", path)).status == 404
    finally:
        workers.close()
