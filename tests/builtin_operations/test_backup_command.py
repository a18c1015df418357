"""``pbhost backup`` as a process."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pbhost.testing import running_app
from tests.e2e.conftest import pbhost


@pytest.fixture
async def directory(tmp_path: Path) -> Path:
    """A data directory with one user."""
    async with running_app(tmp_path) as running:
        await running.user("first@example.com")
    return tmp_path / "pb_data"


def emails(directory: Path) -> list[str]:
    with closing(sqlite3.connect(directory / "data.db")) as raw:
        return [email for (email,) in raw.execute("SELECT email FROM users ORDER BY email")]


def test_a_backup_is_made_listed_and_restored(directory: Path, tmp_path: Path) -> None:
    made = pbhost("backup", "create", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    name = made.stdout.strip()
    assert name.startswith("pb_backup_acme_")
    listed = pbhost("backup", "list", cwd=tmp_path)
    assert (listed.returncode, listed.stdout.split()[0], " MiB " in listed.stdout) == (0, name, True)
    with closing(sqlite3.connect(directory / "data.db")) as raw, raw:
        raw.execute("DELETE FROM users")
    assert emails(directory) == []
    restored = pbhost("backup", "restore", name, cwd=tmp_path)
    assert (restored.returncode, restored.stderr) == (0, "")
    assert f"has the content of {name}" in restored.stdout
    assert emails(directory) == ["first@example.com"]
    assert [path.name for path in (directory / "backups").glob("*.zip")] == [name]


def test_an_archive_is_restored_where_nothing_or_a_ruin_is(directory: Path, tmp_path: Path) -> None:
    assert pbhost("backup", "create", "mine.zip", cwd=tmp_path).returncode == 0
    archive = shutil.move(directory / "backups" / "mine.zip", tmp_path / "mine.zip")
    (directory / "data.db").write_bytes(b"a ruin" * 1000)
    elsewhere = tmp_path / "elsewhere" / "pb_data"
    for place in (directory, elsewhere):
        done = pbhost("backup", "restore", str(archive), "--dir", str(place), cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        assert emails(place) == ["first@example.com"]


async def test_while_a_server_runs_the_content_comes_with_its_next_start(directory: Path, tmp_path: Path) -> None:
    async with running_app(tmp_path) as running:
        assert pbhost("backup", "create", "mine.zip", cwd=tmp_path).returncode == 0
        await running.user("second@example.com")
        done = pbhost("backup", "restore", "mine.zip", cwd=tmp_path)
        assert "restart it" in done.stdout
        assert emails(directory) == ["first@example.com", "second@example.com"]
    async with running_app(tmp_path):
        assert emails(directory) == ["first@example.com"]


def test_what_cannot_be_done_is_said_and_changes_nothing(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("no archive")
    for arguments, reason in (
        (("restore", "missing.zip"), "there is no backup missing.zip"),
        (("restore", "text.zip"), "text.zip cannot be restored"),
        (("create", "Not A Name"), "cannot be the name of a backup"),
    ):
        done = pbhost("backup", *arguments, cwd=tmp_path)
        assert (done.returncode, reason in done.stderr) == (1, True), done.stderr
        assert "Traceback" not in done.stderr
    assert emails(directory) == ["first@example.com"]
