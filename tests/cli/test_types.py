"""``pbhost types``: what it writes type-checks, works, refuses mistakes, and leaves the data directory alone."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from pbhost.testing import Running, running_app

ROOT = Path(__file__).parents[2]
TYPED = Path(__file__).parent / "typed"
NODE_MODULES = ROOT / "tests" / "e2e" / "js" / "node_modules"
#: Whoever may change the schema must not be able to write code.
HOSTILE = 'over */ """ \n import os'


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a bit of everything, a third party's field type among it."""
    directory = tmp_path_factory.mktemp("typed")
    (directory / "pb_plugins").mkdir()
    shutil.copy(TYPED / "money.py", directory / "pb_plugins" / "money.py")
    asyncio.run(fill(directory))
    return directory


async def fill(directory: Path) -> None:
    async with running_app(directory) as running:
        users = running.app.collections.get("users").id
        tags = await make(running, name="tags", fields=[{"name": "label", "type": "text", "required": True}])
        fields = [
            {"name": "title", "type": "text", "required": True, "help": HOSTILE},
            {"name": "slug", "type": "text", "autogeneratePattern": "[a-z]{8}", "required": True},
            {"name": "status", "type": "select", "values": ["draft", 'it\'s "out"\\'], "required": True},
            {"name": "labels", "type": "select", "values": ["a", "b", "c"], "maxSelect": 3},
            {"name": "votes", "type": "number"},
            {"name": "open", "type": "bool"},
            {"name": "due", "type": "date"},
            {"name": "meta", "type": "json"},
            {"name": "place", "type": "geoPoint"},
            {"name": "price", "type": "price"},
            {"name": "cover", "type": "file"},
            {"name": "docs", "type": "file", "maxSelect": 5},
            {"name": "author", "type": "relation", "collectionId": users},
            {"name": "tags", "type": "relation", "collectionId": tags, "maxSelect": 5},
            {"name": "secret", "type": "text", "hidden": True},
            *({"name": name, "type": "text"} for name in ("class", "text", "str", "1st", "__init__")),
            {"name": "created", "type": "autodate", "onCreate": True},
        ]
        posts = await make(running, name="posts", fields=fields)
        post = {"name": "post", "type": "relation", "collectionId": posts}
        await make(running, name="comments", fields=[{"name": "text", "type": "text"}, post])
        index = "CREATE UNIQUE INDEX `idx` ON `covers` (`post`)"
        await make(running, name="covers", fields=[post], indexes=[index])
        # two names whose types would have the same name
        await make(running, name="my_things")
        await make(running, name="MyThings")
        query = "SELECT id, title, count(*) AS n, author FROM posts GROUP BY id"
        await make(running, name="stats", type="view", viewQuery=query)


async def make(running: Running, **body: object) -> str:
    answer = await running.request("POST", "/api/collections", body, token=await running.superuser())
    assert answer.status == 200, answer.body
    return str(answer["id"])


def pbhost(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PBHOST_")}
    command = [sys.executable, "-m", "pbhost", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=kept, capture_output=True, text=True, timeout=60, check=False)


def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def imported(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_python_types_check_and_work(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = pbhost("types", "python", "--dir", place / "pb_data", "--output", place / "generated.py", cwd=place)
    assert written.returncode == 0, written.stderr
    shutil.copy(TYPED / "use.py", place / "use.py")
    # The right uses have no error, and each wrong one has its own: --strict reports an ignore that is not needed.
    files = [place / "generated.py", place / "use.py"]
    run(sys.executable, "-m", "mypy", "--strict", *files, cwd=ROOT, env={**os.environ, "MYPYPATH": str(place)})

    for name in ("generated", "use"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    imported("generated", place / "generated.py")
    use = imported("use", place / "use.py")
    async with running_app(place) as running:
        facts = await use.main(running.app)
    assert [str(fact) for fact in facts] == [
        "by name",
        "['c', 'a']",
        "5.0",
        "2031-05-06 00:00:00.000Z",
        "{'deep': [1, 2]}",
        "1.50",
        "first",
        "taken",
        "True",
        "ann@example.com",
        "",  # a password is not handed out
        "True",
        "by name",
        "['by name']",
        "1",
        "0",
    ]


def test_typescript_types_fit_the_official_sdk(place: Path) -> None:
    written = pbhost("types", "typescript", "--dir", place / "pb_data", "--output", place / "generated.ts", cwd=place)
    assert written.returncode == 0, written.stderr
    shutil.copy(TYPED / "use.ts", place / "use.ts")
    (place / "node_modules").unlink(missing_ok=True)
    (place / "node_modules").symlink_to(NODE_MODULES)
    options = ("--strict", "--noEmit", "--target", "es2022", "--module", "nodenext", "--allowImportingTsExtensions")
    run(NODE_MODULES / ".bin" / "tsc", *options, "use.ts", cwd=place)


def test_the_directory_of_a_running_server_is_only_read(place: Path) -> None:
    def state() -> dict[str, tuple[int, int]]:
        files = [path for path in (place / "pb_data").rglob("*") if path.is_file()]
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in files}

    before = state()
    assert pbhost("types", "python", cwd=place).stdout == pbhost("types", "python", cwd=place).stdout
    assert state() == before

    async def beside_a_server() -> subprocess.CompletedProcess[str]:
        async with running_app(place) as running:
            await make(running, name="brand_new")
            return await asyncio.to_thread(pbhost, "types", "typescript", cwd=place)

    assert "export interface BrandNewRecord {" in asyncio.run(beside_a_server()).stdout


def test_what_cannot_be_read_or_written_is_said(place: Path, tmp_path: Path) -> None:
    nothing = pbhost("types", "python", "--dir", tmp_path / "nothing", cwd=tmp_path)
    assert nothing.returncode == 1
    assert "nothing" in nothing.stderr
    assert not (tmp_path / "nothing").exists()
    unwritable = pbhost("types", "python", "--output", tmp_path / "no" / "such.py", cwd=place)
    assert unwritable.returncode == 1
    assert "cannot write" in unwritable.stderr
    assert "Traceback" not in nothing.stderr + unwritable.stderr
