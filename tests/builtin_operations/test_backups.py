"""Backups: made while the server works, sent, deleted, restored."""

from __future__ import annotations

import asyncio
import io
import os
import sqlite3
import subprocess
import sys
import threading
import zipfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from builtin_operations import plugin
from builtin_operations.backups import pending
from builtin_operations.backups.archive import ArchiveError, extract_archive, write_archive
from builtin_operations.backups.presence import LOCK_FILE, Presence
from builtin_operations.backups.workspace import Workspace, sweep

from pbhost import hookimpl
from pbhost.errors import ForbiddenError
from pbhost.hooks.events import BackupEvent
from pbhost.model import clock
from pbhost.testing import Running

ROOT = "token-of-a-superuser"
USER = "token-of-a-user"
Start = Callable[..., AbstractAsyncContextManager[Running]]
ONLY = ["sqlite", "operations", "files"]


@pytest.fixture
async def server(start: Start) -> AsyncIterator[Running]:
    async with start(only=ONLY) as running:
        yield running


async def execute(server: Running, sql: str) -> None:
    await server.app.db.write(lambda transaction: transaction.execute(sql))


async def names(server: Running) -> list[str]:
    body: Any = (await server.request("GET", "/api/backups", token=ROOT)).body
    return [item["key"] for item in body]


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


async def test_an_archive_holds_the_databases_and_the_files(server: Running, tmp_path: Path) -> None:
    data = tmp_path / "pb_data"
    (data / "storage" / "c" / "r").mkdir(parents=True)
    (data / "storage" / "c" / "r" / "file.txt").write_bytes(b"content")
    (data / "storage" / "link").symlink_to("/etc/hostname")
    (data / ".autocert_cache").mkdir()
    (data / ".autocert_cache" / "key").write_bytes(b"private")
    await execute(server, "CREATE TABLE t (a)")
    await execute(server, "INSERT INTO t VALUES (1), (2)")
    assert (await server.request("POST", "/api/backups", {"name": "one.zip"}, token=ROOT)).status == 204
    assert await names(server) == ["one.zip"]

    with zipfile.ZipFile(data / "backups" / "one.zip") as archive:
        assert archive.testzip() is None
        listed = set(archive.namelist())
        archive.extractall(tmp_path / "out")
    expected = {f"{name}{suffix}" for name in ("data.db", "auxiliary.db") for suffix in ("", "-wal", "-shm")}
    assert expected | {"storage/c/r/file.txt"} == listed
    connection = sqlite3.connect(tmp_path / "out" / "data.db")
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (2,)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    assert list((data / pending.TEMP).iterdir()) == []


async def test_writers_lose_nothing_to_a_backup(server: Running, tmp_path: Path) -> None:
    await execute(server, "CREATE TABLE t (a)")
    done = asyncio.Event()
    written = 0

    async def write() -> None:
        nonlocal written
        while not done.is_set():
            await execute(server, "INSERT INTO t VALUES (1)")
            written += 1

    writer = asyncio.create_task(write())
    assert (await server.request("POST", "/api/backups", {"name": "busy.zip"}, token=ROOT)).status == 204
    # Another process that opens and closes the database afterwards must not take the live log away.
    other = await asyncio.create_subprocess_exec("sqlite3", str(tmp_path / "pb_data" / "data.db"), "SELECT 1 FROM t")
    await other.wait()
    done.set()
    await writer
    connection = sqlite3.connect(tmp_path / "pb_data" / "data.db")
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (written,)
    connection.close()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "!test.zip"}, "validation_match_invalid"),
        ({"name": "../test.zip"}, "validation_match_invalid"),
        ({"name": "x" * 150 + ".zip"}, "validation_length_out_of_range"),
        ({"name": "taken.zip"}, "validation_backup_name_exists"),
    ],
)
async def test_a_name_that_cannot_be_used(server: Running, body: object, code: str) -> None:
    await server.request("POST", "/api/backups", {"name": "taken.zip"}, token=ROOT)
    answer: Any = await server.request("POST", "/api/backups", body, token=ROOT)
    assert (answer.status, answer["data"]["name"]["code"]) == (400, code)
    assert await names(server) == ["taken.zip"]


async def test_without_a_name_one_is_generated(server: Running) -> None:
    assert (await server.request("POST", "/api/backups", token=ROOT)).status == 204
    (name,) = await names(server)
    assert name.startswith("pb_backup_acme_")


async def test_only_one_at_a_time(server: Running) -> None:
    answers = await asyncio.gather(
        *(server.request("POST", "/api/backups", {"name": f"b{number}.zip"}, token=ROOT) for number in range(3))
    )
    assert sorted(answer.status for answer in answers) == [204, 400, 400]
    refused = next(answer for answer in answers if answer.status == 400)
    assert refused["message"] == "Try again later - another backup/restore process has already been started."
    assert len(await names(server)) == 1


async def test_a_hook_may_refuse_or_leave_things_out(start: Start, tmp_path: Path) -> None:
    class Opinions:
        @hookimpl
        def on_backup_create(self, event: BackupEvent) -> None:
            if event.name == "no.zip":
                raise ForbiddenError("Not today.")
            event.exclude.append("storage")

    async with start(Opinions(), only=ONLY) as server:
        (tmp_path / "pb_data" / "storage").mkdir(exist_ok=True)
        (tmp_path / "pb_data" / "storage" / "x").write_bytes(b"x")
        assert (await server.request("POST", "/api/backups", {"name": "no.zip"}, token=ROOT)).status == 403
        assert (await server.request("POST", "/api/backups", {"name": "yes.zip"}, token=ROOT)).status == 204
        assert await names(server) == ["yes.zip"]
        with zipfile.ZipFile(tmp_path / "pb_data" / "backups" / "yes.zip") as archive:
            assert not [name for name in archive.namelist() if name.startswith("storage")]


async def upload(server: Running, name: str, content: bytes) -> Any:
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("file", content, filename=name, content_type="application/octet-stream")
    return await server.request("POST", "/api/backups/upload", data=form, token=ROOT)


async def test_uploads(server: Running, tmp_path: Path) -> None:
    good = zipped(**{"data.db": b"x"})
    assert (await upload(server, "Mine Own.zip", good)).status == 204
    assert (tmp_path / "pb_data" / "backups" / "Mine Own.zip").read_bytes() == good
    for name, content, code in [
        ("Mine Own.zip", good, "validation_backup_name_exists"),
        ("text.zip", b"just text", "validation_invalid_mime_type"),
        ("empty.zip", b"", "validation_invalid_mime_type"),
        ("x.attrs", good, "validation_backup_name_exists"),
    ]:
        answer = await upload(server, name, content)
        assert (name, answer.status, answer["data"]["file"]["code"]) == (name, 400, code)
    await upload(server, "../../escape.zip", good)
    assert await names(server) == ["Mine Own.zip", "escape.zip"]
    answer = await server.request("POST", "/api/backups/upload", {"file": "x"}, token=ROOT)
    assert (answer.status, answer["data"]) == (
        400,
        {"file": {"code": "validation_required", "message": "Cannot be blank."}},
    )


async def test_downloads_need_a_file_token_of_a_superuser(server: Running) -> None:
    content = zipped(**{"data.db": b"x"})
    await upload(server, "@a b.zip", content)
    url = "/api/backups/%40a%20b.zip"
    for query, token in [("", ROOT), (f"?token={ROOT}", ""), (f"?token=auth:{ROOT}", ""), (f"?token=file:{USER}", "")]:
        answer = await server.request("GET", url + query, token=token)
        assert (answer.status, answer["message"]) == (403, "Insufficient permissions to access the resource.")
    async with server.session.get(f"{server.url}{url}?token=file:{ROOT}") as response:
        assert (response.status, await response.read()) == (200, content)
        assert response.headers["Content-Type"] == "application/zip"
        assert response.headers["Content-Disposition"].startswith("attachment")
    async with server.session.get(f"{server.url}{url}?token=file:{ROOT}", headers={"Range": "bytes=0-1"}) as response:
        assert (response.status, await response.read()) == (206, b"PK")
    for missing in ("missing.zip", "..%2Fdata.db", "%2e%2e"):
        assert (await server.request("GET", f"/api/backups/{missing}?token=file:{ROOT}")).status in (404, 307)
    await server.app.settings.update({"superuserIPs": ["10.0.0.1"]})
    assert (await server.request("GET", f"{url}?token=file:{ROOT}")).status == 403


async def test_deleting(server: Running) -> None:
    await upload(server, "gone.zip", zipped(**{"data.db": b"x"}))
    assert (await server.request("DELETE", "/api/backups/gone.zip", token=USER)).status == 403
    assert (await server.request("DELETE", "/api/backups/gone.zip", token=ROOT)).status == 204
    assert await names(server) == []


async def test_automatic_backups_keep_the_newest(server: Running, tmp_path: Path) -> None:
    await server.app.settings.update({"backups": {"cron": "@daily", "cronMaxKeep": 2}})
    folder = tmp_path / "pb_data" / "backups"
    folder.mkdir(exist_ok=True)
    for age in range(1, 4):
        path = folder / f"@auto_pb_backup_old{age}.zip"
        path.write_bytes(b"x")
        os.utime(path, (1_000_000 - age, 1_000_000 - age))
    (folder / "manual.zip").write_bytes(b"x")
    await plugin.of(server.app).backups.run_scheduled()
    kept = await names(server)
    assert "manual.zip" in kept
    assert "@auto_pb_backup_old1.zip" in kept
    assert len(kept) == 3


async def test_a_clock_that_was_set_back_costs_no_backup(server: Running, tmp_path: Path) -> None:
    await server.app.settings.update({"backups": {"cron": "@daily", "cronMaxKeep": 2}})
    backups = plugin.of(server.app).backups
    with clock.replaced(lambda: 2_000_000_000.0):
        await backups.run_scheduled()
        await backups.run_scheduled()
    made = await names(server)
    assert made == ["@auto_pb_backup_acme_20330518033320.zip", "@auto_pb_backup_acme_20330518033321.zip"]
    for name in made:
        os.utime(tmp_path / "pb_data" / "backups" / name, (2_000_000_000, 2_000_000_000))
    await backups.run_scheduled()
    assert len(await names(server)) == 2
    assert len(set(await names(server)) - set(made)) == 1


async def test_a_command_beside_the_server_leaves_its_temporary_files_alone(
    server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packing, go_on = threading.Event(), threading.Event()

    def slowly(*arguments: Any) -> None:
        packing.set()
        assert go_on.wait(30)
        write_archive(*arguments)

    monkeypatch.setattr("builtin_operations.backups.service.write_archive", slowly)
    making = asyncio.create_task(server.request("POST", "/api/backups", {"name": "slow.zip"}, token=ROOT))
    await asyncio.to_thread(packing.wait, 30)
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pbhost", "superuser", "upsert", "a@example.com", "password-of-a"),
        *("--dir", str(tmp_path / "pb_data")),
        stdout=subprocess.PIPE,
    )
    output, _ = await command.communicate()
    assert command.returncode == 0, output
    go_on.set()
    assert (await making).status == 204
    assert await names(server) == ["slow.zip"]


def test_the_temporary_files_of_a_killed_worker_go_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    making = "import sys; from pathlib import Path; from builtin_operations.backups.workspace import Workspace; "
    making += "made = Workspace(Path(sys.argv[1])); print(made.path, flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", making, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        left = Path(killed.stdout.readline().strip())
        living = Workspace(tmp_path)
        (left / "archive.zip").write_bytes(b"half")
        sweep(tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == {left.name, living.path.name}
        killed.kill()
        killed.wait()
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == [living.path]
    living.close()
    assert list(tmp_path.iterdir()) == []


async def test_a_restore_waits_until_commands_are_done(tmp_path: Path) -> None:
    staged = tmp_path / pending.TEMP / "staged"
    staged.mkdir(parents=True)
    (tmp_path / "data.db").write_bytes(b"old")
    (staged / "data.db").write_bytes(b"new")
    pending.stage(tmp_path, staged, ["backups"])
    command, server = Presence(tmp_path), Presence(tmp_path)
    command.share()
    assert not server.take(0.0)
    starting = asyncio.create_task(asyncio.to_thread(pending.apply, tmp_path, server))
    await asyncio.sleep(0)
    assert (tmp_path / "data.db").read_bytes() == b"old"
    command.end()
    assert await starting is True
    assert (tmp_path / "data.db").read_bytes() == b"new"
    pending.adopted(tmp_path)
    server.end()


async def test_a_restore_brings_everything_back(start: Start, tmp_path: Path) -> None:
    data = tmp_path / "pb_data"
    async with start(only=ONLY) as server:
        await execute(server, "CREATE TABLE t (a)")
        (data / "storage").mkdir(exist_ok=True)
        (data / "storage" / "old.txt").write_bytes(b"old")
        await server.request("POST", "/api/backups", {"name": "then.zip"}, token=ROOT)
        await execute(server, "DROP TABLE t")
        (data / "storage" / "new.txt").write_bytes(b"new")
        missing = await server.request("POST", "/api/backups/missing.zip/restore", token=ROOT)
        assert (missing.status, missing["message"]) == (400, "Missing or invalid backup file.")

        restarted = asyncio.Event()
        server.app.on_restart(restarted.set)
        assert (await server.request("POST", "/api/backups/then.zip/restore", token=ROOT)).status == 204
        async with asyncio.timeout(20):
            await restarted.wait()
    async with start(only=ONLY) as server:
        await execute(server, "INSERT INTO t VALUES (1)")
        assert await names(server) == ["then.zip"]
        assert sorted(path.name for path in (data / "storage").iterdir()) == ["old.txt"]
        assert list((data / pending.TEMP).iterdir()) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (zipped(**{"other.txt": b"x"}), "data.db file is missing"),
        (zipped(**{"data.db": b"x", "../evil": b"x"}), "leads out of it"),
        (zipped(**{"data.db": b"x", "/evil": b"x"}), "leads out of it"),
        (b"PK\x03\x04 no archive at all", "not a usable zip archive"),
    ],
)
def test_an_archive_that_cannot_be_used_changes_nothing(tmp_path: Path, content: bytes, reason: str) -> None:
    source = tmp_path / "a.zip"
    source.write_bytes(content)
    target = tmp_path / "data" / pending.TEMP / "staged"
    target.parent.mkdir(parents=True)
    with pytest.raises(ArchiveError, match=reason):
        extract_archive(source, target)
    assert not (tmp_path / "evil").exists()


def test_a_failed_exchange_leaves_the_old_content(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    temp = tmp_path / pending.TEMP
    (temp / "staged").mkdir(parents=True)
    (tmp_path / "data.db").write_bytes(b"old")
    (temp / "staged" / "data.db").write_bytes(b"new")
    (temp / "staged" / "storage").mkdir()
    # What the exclusions keep is in the way of what the archive brings.
    (temp / "staged" / "zzz").mkdir()
    (tmp_path / "backups").mkdir()
    pending.stage(tmp_path, temp / "staged", ["backups"])
    presence = Presence(tmp_path)
    original = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if self.name == "zzz":
            raise OSError("no space")
        return original(self, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", rename)
        assert pending.apply(tmp_path, presence) is False
    presence.end()
    assert (tmp_path / "data.db").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == [pending.TEMP, LOCK_FILE, "backups", "data.db"]
    assert "the data directory is as it was before" in caplog.text
