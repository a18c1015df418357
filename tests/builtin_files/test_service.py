"""Files as plugins meet them: hooks, values set by code, transactions, crashes, a storage that fails."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from builtin_files.journal import Journal

from pbhost import BadRequestError, Skip, UploadedFile, ValidationError, hookimpl
from pbhost.errors import JSON
from pbhost.hooks.events import FileDownloadRequestEvent, FileTokenRequestEvent, RecordEvent, StorageEvent
from pbhost.testing import running_app
from tests.builtin_files.conftest import FIELDS, Site, make_collection, png


class Spy:
    """A plugin whose hooks a test fills in."""

    NAME = "spy"

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.on_download: Callable[[FileDownloadRequestEvent], None] = lambda _event: None
        self.on_create: Callable[[RecordEvent], Awaitable[None] | None] = lambda _event: None

    @hookimpl
    def on_file_download_request(self, event: FileDownloadRequestEvent) -> None:
        self.on_download(event)

    @hookimpl
    def on_file_token_request(self, event: FileTokenRequestEvent) -> None:
        event.token += ".changed"

    @hookimpl(collections=["docs"])
    async def on_record_create(self, event: RecordEvent) -> None:
        made = self.on_create(event)
        if made is not None:
            await made

    @hookimpl
    def on_storage_write(self, event: StorageEvent) -> None:
        self.seen.append(f"write {event.key.rpartition('/')[2]} {event.content_type} {event.size}")

    @hookimpl
    def on_storage_delete(self, event: StorageEvent) -> None:
        self.seen.append(f"delete {event.key.partition('/')[2].partition('/')[2]}")


@pytest.fixture
def spy() -> Spy:
    return Spy()


@pytest.fixture
async def site(tmp_path: Path, spy: Spy) -> AsyncIterator[Site]:
    async with running_app(tmp_path, spy) as server:
        await make_collection(server, "docs", FIELDS, viewRule="", createRule="", updateRule="")
        yield Site(server, await server.superuser(), tmp_path / "pb_data" / "storage")


# -- hooks -----------------------------------------------------------------------------------------------------------


async def test_a_download_hook_may_send_another_file(site: Site, spy: Spy) -> None:
    first = await site.create(("one", ("a.txt", b"a")))
    second = await site.create(("one", ("b.txt", b"b")))

    def swap(event: FileDownloadRequestEvent) -> None:
        event.served_path = f"{event.collection.id}/{second['id']}/{second['one']}"
        event.served_name = "other.txt"

    spy.on_download = swap
    status, body, headers = await site.get(f"/api/files/docs/{first['id']}/{first['one']}")
    assert (status, body, headers["Content-Disposition"]) == (200, b"b", "attachment; filename=other.txt")


async def test_a_download_hook_may_refuse_or_answer_itself(site: Site, spy: Spy) -> None:
    record = await site.create(("one", ("a.txt", b"a")))
    path = f"/api/files/docs/{record['id']}/{record['one']}"

    def refuse(_event: FileDownloadRequestEvent) -> None:
        raise BadRequestError("Not today.")

    spy.on_download = refuse
    answer = await site.server.request("GET", path)
    assert (answer.status, answer["message"]) == (400, "Not today.")

    def answer_itself(_event: FileDownloadRequestEvent) -> None:
        raise Skip(web.Response(text="mine"))

    spy.on_download = answer_itself
    assert (await site.get(path))[:2] == (200, b"mine")

    def skip(_event: FileDownloadRequestEvent) -> None:
        raise Skip

    spy.on_download = skip
    assert (await site.get(path))[:2] == (200, b"")


async def test_a_download_hook_sees_why_there_is_no_thumb(site: Site, spy: Spy) -> None:
    record = await site.create(("one", ("a.txt", b"a")))
    errors: list[str] = []
    spy.on_download = lambda event: errors.append(event.thumb_error)
    for thumb in ("", "?thumb=100x100", "?thumb=1x1"):
        await site.get(f"/api/files/docs/{record['id']}/{record['one']}{thumb}")
    expected = 'the thumb size "{}" or the original file format are not supported'
    assert errors == ["", expected.format("100x100"), expected.format("1x1")]


async def test_a_token_hook_may_replace_the_token(site: Site) -> None:
    answer = await site.server.request("POST", "/api/files/token", token=site.token)
    assert str(answer["token"]).endswith(".changed")


async def test_storage_hooks_see_writes_and_deletes(site: Site, spy: Spy) -> None:
    record = await site.create(("one", ("photo.png", png())))
    name = record["one"]
    await site.get(f"/api/files/docs/{record['id']}/{name}?thumb=100x100")
    await site.patch(record, {"one": ""})
    assert spy.seen[0] == f"write {name} image/png {len(png())}"
    assert spy.seen[1].startswith(f"write 100x100_{name} image/png ")
    assert spy.seen[2:] == [f"delete {name}", f"delete thumbs_{name}/"]


# -- values set by code ----------------------------------------------------------------------------------------------


async def test_code_sets_files_as_a_form_does(site: Site) -> None:
    records = site.server.app.records
    made = await records.create("docs", {"many": [UploadedFile.from_bytes(b"a", "first.txt")]})
    made["many+"] = UploadedFile.from_bytes(b"b", "second.txt")
    saved = await records.save(made)
    names = saved["many"]
    assert isinstance(names, list)
    assert [str(name)[:6] for name in names] == ["first_", "second"]
    saved["many-"] = names[0]
    await records.save(saved)
    found = await records.get("docs", made.id)
    assert found["many"] == names[1:]
    assert len(site.on_disk()) == 1


async def test_an_upload_from_a_path(site: Site, tmp_path: Path) -> None:
    (tmp_path / "Notes.txt").write_text("text")
    made = await site.server.app.records.create("docs", {"one": UploadedFile.from_path(tmp_path / "Notes.txt")})
    assert made.text("one").startswith("notes_")


async def test_copying_a_file_to_another_record(site: Site) -> None:
    app = site.server.app
    first = await app.records.create("docs", {"one": UploadedFile.from_bytes(png(), "Photo.png")})
    fresh = await app.files.copy_of(first, first.text("one"))
    same = await app.files.copy_of(first, first.text("one"), keep_name=True)
    second = await app.records.create("docs", {"one": fresh, "many": [same]})
    assert second.text("one").startswith("photo_")
    assert second.text("one") != first.text("one")
    assert second["many"] == [first.text("one")]
    assert len(site.on_disk()) == 3


async def test_a_file_from_a_url(site: Site) -> None:
    app = site.server.app
    first = await app.records.create("docs", {"one": UploadedFile.from_bytes(b"text", "notes.txt")})
    url = site.server.url + app.files.url(first, first.text("one"))
    upload = await app.files.download_upload(url)
    assert upload.original_name == first.text("one")
    assert upload.size == 4
    with pytest.raises(OSError, match="404"):
        await app.files.download_upload(f"{site.server.url}/api/files/docs/x/y")
    with pytest.raises(OSError, match="more than 3 bytes"):
        await app.files.download_upload(url, max_bytes=3)


async def test_a_thumb_made_by_code(site: Site) -> None:
    app = site.server.app
    made = await app.records.create("docs", {"one": UploadedFile.from_bytes(png(), "a.png")})
    key = await app.files.thumbnail(made, made.text("one"), "70x50")
    assert (await app.storage.attributes(key)).content_type == "image/png"
    for filename, size in ((made.text("one"), "1x1"), ("unknown.png", "70x50")):
        with pytest.raises(ValueError, match=r"supported|no file"):
            await app.files.thumbnail(made, filename, size)


async def test_a_refused_record_can_be_mended_and_saved(site: Site) -> None:
    records = site.server.app.records
    from pbhost import Record

    record = Record(site.server.app.collections.get("docs"), {"title": "x"})
    record["one"] = UploadedFile.from_bytes(b"a", "a.txt")
    with pytest.raises(ValidationError):
        await records.save(record)
    record["title"] = "fine"
    saved = await records.save(record)
    assert site.on_disk() == [f"{saved.id}/{saved.text('one')}"]


async def test_a_hook_inside_the_transaction_may_set_files(site: Site, spy: Spy) -> None:
    async def add(event: RecordEvent) -> None:
        event.record["many+"] = UploadedFile.from_bytes(b"b", "added.txt")

    spy.on_create = add
    record = await site.create(("many", ("first.txt", b"a")))
    names = record["many"]
    assert isinstance(names, list)
    assert [str(name)[:5] for name in names] == ["first", "added"]
    assert len(site.on_disk()) == 2

    async def swap(event: RecordEvent) -> None:
        event.record["many"] = UploadedFile.from_bytes(b"c", "other.txt")

    spy.on_create = swap
    await site.create(("many", ("first.txt", b"a")))
    async with asyncio.timeout(5):
        while len(site.on_disk()) != 3:
            await asyncio.sleep(0.01)


# -- transactions ----------------------------------------------------------------------------------------------------


async def test_a_rolled_back_transaction_keeps_the_old_files(site: Site) -> None:
    app = site.server.app
    made = await app.records.create("docs", {"one": UploadedFile.from_bytes(b"a", "old.txt")})
    before = site.on_disk()

    async def fail() -> None:
        async with app.transaction() as tx:
            made["one"] = UploadedFile.from_bytes(b"b", "new.txt")
            await app.records.save(made, tx=tx)
            assert len(site.on_disk()) == 2
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        await fail()
    async with asyncio.timeout(5):
        while site.on_disk() != before:
            await asyncio.sleep(0.01)


async def test_delete_and_create_of_one_id_in_a_transaction_keeps_the_new_files(site: Site) -> None:
    app = site.server.app
    made = await app.records.create("docs", {"one": UploadedFile.from_bytes(b"a", "old.txt")})
    async with app.transaction() as tx:
        await app.records.delete(made, tx=tx)
        again = await app.records.create(
            "docs", {"id": made.id, "one": UploadedFile.from_bytes(b"b", "new.txt")}, tx=tx
        )
    async with asyncio.timeout(5):
        while site.on_disk() != [f"{again.id}/{again.text('one')}"]:
            await asyncio.sleep(0.01)


# -- failures --------------------------------------------------------------------------------------------------------


async def test_a_storage_that_refuses_fails_the_save(site: Site) -> None:
    s3 = {"enabled": True, "bucket": "", "endpoint": "", "region": "", "accessKey": "", "secret": ""}
    settings = site.server.app.settings
    real = settings.section

    def section(name: str) -> object:
        return s3 if name == "s3" else real(name)

    record = await site.create(("one", ("a.txt", b"a")))
    settings.section = section  # type: ignore[method-assign, assignment]  # settings that validation would not admit
    answer = await site.server.request("GET", f"/api/files/docs/{record['id']}/{record['one']}")
    assert (answer.status, answer["message"]) == (500, "Filesystem initialization failure.")
    answer = await site.send("POST", "/api/collections/docs/records", [("one", ("a.txt", b"a"))])
    assert (answer.status, answer.body) == (
        400,
        {"data": {}, "message": "Failed to create record.", "status": 400},
    )


def _serve(directory: Path, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pbhost", "serve", "--dir", str(directory), "--http", "127.0.0.1:0"]
    with log.open("wb") as output:
        return subprocess.Popen(command, stdout=output, stderr=output, cwd=directory.parent)


async def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    async with asyncio.timeout(20):
        while b"Server started at " not in (text := log.read_bytes()):
            assert process.poll() is None, text
            await asyncio.sleep(0.02)
    return text.split(b"Server started at ")[1].split()[0].decode()


async def test_after_kill_9_rows_and_files_agree(tmp_path: Path) -> None:
    async with running_app(tmp_path) as server:
        fields: list[JSON] = [{"name": "one", "type": "file"}]
        await make_collection(server, "docs", fields, createRule="", viewRule="", updateRule="")
    directory, log = tmp_path / "pb_data", tmp_path / "log"
    process = _serve(directory, log)
    acknowledged: dict[str, str] = {}
    try:
        url = await _address(process, log)
        async with aiohttp.ClientSession() as session:

            async def write() -> None:
                while True:
                    for method, target in (("POST", ""), ("PATCH", "/{id}")):
                        form = aiohttp.FormData()
                        form.add_field("one", b"x" * 20_000, filename="a.bin")
                        path = f"{url}/api/collections/docs/records" + target.format(
                            id=next(reversed(acknowledged), "")
                        )
                        async with session.request(method, path, data=form) as answer:
                            if answer.status == 200:
                                record = json.loads(await answer.read())
                                acknowledged[record["id"]] = record["one"]

            writers = [asyncio.create_task(write()) for _ in range(8)]
            async with asyncio.timeout(20):
                while len(acknowledged) < 40:
                    await asyncio.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            process.wait()
            await asyncio.gather(*writers, return_exceptions=True)
    finally:
        process.kill()
        process.wait()

    process = _serve(directory, log)
    try:
        await _address(process, log)
        with sqlite3.connect(directory / "data.db") as database:
            rows = dict(database.execute("SELECT id, one FROM docs"))
        (collection,) = (item for item in (directory / "storage").iterdir())

        def stored() -> set[str]:
            return {f"{path.parent.name}/{path.name}" for path in collection.rglob("*") if path.is_file()}

        named = {f"{id_}/{name}{suffix}" for id_, name in rows.items() for suffix in ("", ".attrs")}
        assert set(acknowledged) <= set(rows)
        assert named <= stored(), "a row without its file"
        deadline = time.monotonic() + 5
        while stored() != named and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        assert stored() == named, "a file without its row"
    finally:
        process.terminate()
        process.wait()


async def test_only_what_dead_processes_noted_is_left_behind_whatever_the_clock_says(site: Site) -> None:
    noting = (
        "import asyncio, sys\n"
        "from builtin_files.journal import Journal\n"
        "print(Journal(None)._owner, flush=True)\n"
        "sys.stdin.read()\n"
    )
    engine = site.server.app.db.auxiliary
    assert engine is not None
    journal = Journal(engine)
    day = 24 * 3600
    owners: list[str] = []
    processes: list[subprocess.Popen[str]] = []
    try:
        for _ in range(2):
            process = subprocess.Popen(
                [sys.executable, "-c", noting], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            processes.append(process)
            assert process.stdout is not None
            owners.append(process.stdout.readline().strip())
        processes[0].kill()
        processes[0].wait()
        rows = [
            ("dead", owners[0], 0),
            ("living", owners[1], 0),
            ("old", "who:knows", 0),
            ("new", "who:knows", 2 * day),
        ]
        insert = "INSERT INTO _pbhost_pending_files (key, owner, created) VALUES (?, ?, ?)"
        await engine.write(lambda tx: tx.execute_many(insert, rows))
        assert await journal.left_behind(2 * day) == ["dead", "old"]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
