"""Migrations in Python: applied at start, reverted, written for changes through the API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from builtin_operations.migrations import automatic, drafts
from builtin_operations.migrations.errors import MigrationError
from builtin_operations.migrations.history import applied_files
from builtin_operations.migrations.runner import Migrator

from pbhost import hookimpl
from pbhost.database import Migration, Transaction
from pbhost.errors import PluginError
from pbhost.model import clock
from pbhost.testing import running_app

POSTS = '{"name": "posts", "type": "base", "fields": [{"type": "text", "name": "title", "id": "text1"}]}'
CREATE = f"""
async def up(app):
    await app.create_collection({POSTS})
    await app.records.create("posts", {{"title": "first"}})

async def down(app):
    await app.delete_collection("posts")
"""
EXTEND = """
async def up(app):
    posts = await app.update_collection("posts", {"listRule": ""}, set_fields={1: {"type": "bool", "name": "done"}})
    await app.execute("UPDATE posts SET done = 1")

async def down(app):
    posts = app.collection("posts")
    await app.update_collection("posts", {"listRule": None}, remove_fields=[posts.field("done").id])
"""
PLAIN = """
def up(tx):
    tx.execute("CREATE TABLE notes (id TEXT)")

def down(tx):
    tx.execute("DROP TABLE notes")
"""


def write(directory: Path, **files: str) -> Path:
    target = directory / "pb_migrations"
    target.mkdir(exist_ok=True)
    for name, text in files.items():
        (target / f"{name.strip('_')}.py").write_text(text)
    return target


async def test_pending_migrations_are_applied_in_order_at_start_and_once(tmp_path: Path) -> None:
    write(tmp_path, _2_extend=EXTEND, _1_create=CREATE, _3_plain=PLAIN)
    for _ in range(2):
        async with running_app(tmp_path) as server:
            listed = await server.request("GET", "/api/collections/posts/records")
            assert [(item["title"], item["done"]) for item in listed["items"]] == [("first", True)]  # type: ignore[union-attr,index,call-overload]  # JSON
            applied = await server.app.db.read(applied_files)
            assert applied[:3] == ["3_plain.py", "2_extend.py", "1_create.py"]


async def test_one_that_fails_takes_all_pending_ones_with_it(tmp_path: Path) -> None:
    directory = write(tmp_path, _1_create=CREATE, _2_broken="async def up(app):\n    await app.execute('NONSENSE')\n")
    with pytest.raises(Exception, match=r"failed to apply migration 2_broken\.py.*line 2"):
        async with running_app(tmp_path):
            pass
    (directory / "2_broken.py").unlink()
    (directory / "1_create.py").unlink()
    async with running_app(tmp_path) as server:
        assert server.app.collections.find("posts") is None
        assert not [name for name in await server.app.db.read(applied_files) if name.endswith(".py")]


async def test_reverting_goes_backwards_by_the_time_of_applying(tmp_path: Path) -> None:
    write(tmp_path, _1_create=CREATE, _2_extend=EXTEND)
    async with running_app(tmp_path) as server:
        migrator = Migrator(server.app)
        assert await migrator.revert(1) == ["2_extend.py"]
        assert server.app.collections.get("posts").field("done") is None
        assert await migrator.apply() == ["2_extend.py"]
        assert await migrator.revert(-1) == ["2_extend.py", "1_create.py"]
        assert server.app.collections.find("posts") is None
        assert await migrator.revert(1) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("async def up(app): pass\n", "has no function 'down'"),
        (None, "its file is gone"),
        ("async def up(app): pass\nasync def down(app): raise ValueError('no')\n", "ValueError: no"),
    ],
)
async def test_what_cannot_be_reverted_says_why_and_stays(tmp_path: Path, text: str | None, message: str) -> None:
    directory = write(tmp_path, _1_first=text or "async def up(app): pass\n")
    async with running_app(tmp_path) as server:
        if text is None:
            (directory / "1_first.py").unlink()
        with pytest.raises(MigrationError, match=message):
            await Migrator(server.app).revert(1)
        assert (await server.app.db.read(applied_files))[0] == "1_first.py"
        assert await Migrator(server.app).sync() == (["1_first.py"] if text is None else [])


async def test_of_two_that_apply_at_once_one_does(tmp_path: Path) -> None:
    async with running_app(tmp_path) as server:
        write(tmp_path, _1_create=CREATE)
        done = await asyncio.gather(Migrator(server.app).apply(), Migrator(server.app).apply())
        assert sorted(map(len, done)) == [0, 1]


async def test_a_change_through_the_api_becomes_a_file_that_brings_another_server_there(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    async with running_app(here, automigrate=True) as server:
        token = await server.superuser()
        fields = [{"name": "title", "type": "text"}, {"name": "rank", "type": "number"}]
        body = {"name": "posts", "type": "auth", "fields": fields}
        made = await server.request("POST", "/api/collections", body, token=token)
        assert made.status == 200
        changed: list[object] = [item for item in made["fields"] if item["name"] != "rank"]  # type: ignore[union-attr,index,call-overload]  # JSON
        changed.insert(1, {"name": "tags", "type": "select", "values": ["a"], "maxSelect": 1})
        changes = {"name": "articles", "listRule": "", "fields": changed}
        updated = await server.request("PATCH", f"/api/collections/{made['id']}", changes, token=token)
        assert updated.status == 200
        same = await server.request("PATCH", f"/api/collections/{made['id']}", {"listRule": ""}, token=token)
        assert same.status == 200
        await server.request("POST", "/api/collections", {"name": "gone_test"}, token=token)
        assert (await server.request("DELETE", "/api/collections/gone_test", token=token)).status == 204
        expected = server.app.collections.public_json(server.app.collections.get("articles"))
        secret = str(server.app.collections.get("articles").options["authToken"]["secret"])  # type: ignore[index,call-overload]  # JSON
    files = sorted((here / "pb_migrations").iterdir())
    titles = [path.name.partition("_")[2] for path in files]
    assert titles == [
        "created_posts.py",
        "updated_posts.py",
        "created_gone_test_.py",
        "deleted_gone_test_.py",
    ]
    assert not [path for path in files if secret in path.read_text() or "'created'" in path.read_text()]
    async with running_app(here) as server:  # recorded as applied: a restart does nothing
        assert server.app.collections.find("articles") is not None
    there.mkdir()
    (here / "pb_migrations").rename(there / "pb_migrations")
    async with running_app(there) as server:
        found = server.app.collections.public_json(server.app.collections.get("articles"))
        moments = ("created", "updated")
        assert {k: v for k, v in found.items() if k not in moments} == {
            k: v for k, v in expected.items() if k not in moments
        }
        assert len(await Migrator(server.app).revert(-1)) == 4
        assert server.app.collections.find("articles") is None


class WithTables:
    NAME = "with-tables"

    def __init__(self, *migrations: Migration) -> None:
        self.migrations = list(migrations)

    @hookimpl
    def register_migrations(self) -> list[Migration]:
        return self.migrations


def script(sql: str) -> Callable[[Transaction], None]:
    def run(transaction: Transaction) -> None:
        transaction.execute_script(sql)

    return run


@pytest.mark.parametrize("is_recorded", [True, False], ids=["killed after the record", "killed before the record"])
async def test_a_file_that_was_being_written_when_the_server_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_recorded: bool
) -> None:
    class KilledError(BaseException):
        pass

    def killed(*_arguments: object) -> None:
        raise KilledError

    at = "publish" if is_recorded else "write_draft"
    written = drafts.write_draft

    def write_and_die(directory: Path, name: str, text: str) -> Path:
        written(directory, name, text)
        raise KilledError

    async with running_app(tmp_path) as server:
        with monkeypatch.context() as patched:
            patched.setattr(automatic, at, killed if is_recorded else write_and_die)
            with pytest.raises(KilledError):
                await automatic.write_recorded(server.app, tmp_path / "pb_migrations", "created_posts", CREATE)
    (draft,) = (tmp_path / "pb_migrations").iterdir()
    assert draft.name.startswith(".")
    # It would be refused if it were applied: the server has no such collection, and would get one.
    async with running_app(tmp_path) as server:
        assert server.app.collections.find("posts") is None
        files = [path.name for path in (tmp_path / "pb_migrations").iterdir()]
        assert files == ([draft.name.removeprefix(".").removesuffix(".draft")] if is_recorded else [])


async def test_changes_after_a_clock_was_set_back_come_after_those_before(tmp_path: Path) -> None:
    async with running_app(tmp_path, automigrate=True) as server:
        with clock.replaced(lambda: 2_000_000_000.0):
            token = await server.superuser()
            assert (await server.request("POST", "/api/collections", {"name": "one"}, token=token)).status == 200
        with clock.replaced(lambda: 1_900_000_000.0):
            assert (await server.request("POST", "/api/collections", {"name": "two"}, token=token)).status == 200
    files = sorted(path.name for path in (tmp_path / "pb_migrations").iterdir())
    assert files == ["2000000000_created_one.py", "2000000001_created_two.py"]


async def test_migrations_of_a_plugin_are_applied_once_before_services_start(tmp_path: Path) -> None:
    first = Migration("0001", script("CREATE TABLE things (id TEXT)"))
    second = Migration("0002", script("INSERT INTO things VALUES ('a')"))
    for migrations in ([first], [second, first], [first, second]):
        async with running_app(tmp_path, WithTables(*migrations)) as server:
            rows = await server.app.db.read(lambda connection: connection.fetch_all("SELECT id FROM things"))
    assert rows == [("a",)]


async def test_a_plugins_migration_that_fails_stops_the_start_and_names_it(tmp_path: Path) -> None:
    broken = Migration("0001", script("NONSENSE"))
    with pytest.raises(PluginError, match="'with-tables': the migration '0001' failed"):
        async with running_app(tmp_path, WithTables(broken)):
            pass
