"""A data directory that PocketBase made, opened in place (a copy of it: ``tests/data/pb_data``)."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest

from .conftest import Server

DATA = Path(__file__).parents[1] / "data" / "pb_data"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    target = tmp_path / "pb_data"
    shutil.copytree(DATA, target)
    return target


def issued_token(directory: Path, collection: str, email: str, kind: str = "auth") -> str:
    """A token as the server that made the directory would have issued it."""
    with sqlite3.connect(directory / "data.db") as db:
        collection_id, options = db.execute(
            "SELECT id, options FROM _collections WHERE name = ?", (collection,)
        ).fetchone()
        record_id, token_key = db.execute(
            f'SELECT id, tokenKey FROM "{collection}" WHERE email = ?', (email,)
        ).fetchone()
    secret = json.loads(options)[f"{kind}Token"]["secret"]
    claims = {"id": record_id, "collectionId": collection_id, "type": kind, "exp": int(time.time()) + 600}
    return jwt.encode({**claims, "refreshable": True}, token_key + secret, algorithm="HS256")


def test_records_tokens_files_and_thumbnails_are_all_there(copied: Path, start_server: Callable[..., Server]) -> None:
    token = issued_token(copied, "users", "test@example.com")
    root = issued_token(copied, "_superusers", "test@example.com")
    file_token = issued_token(copied, "_superusers", "test@example.com", "file")
    server = start_server(dir=copied, superuser=False)

    status, me = server.request("POST", "/api/collections/users/auth-refresh", token=token)
    assert status == 200, me
    with sqlite3.connect(DATA / "data.db") as db:
        for (name,) in db.execute("SELECT name FROM _collections WHERE type != 'view'").fetchall():
            (stored,) = db.execute(f'SELECT count(*) FROM "{name}"').fetchone()
            status, answer = server.get(f"/api/collections/{name}/records?perPage=1", token=root)
            assert status == 200, (name, answer)
            assert isinstance(answer, dict)
            assert answer["totalItems"] == stored, name
    for path in sorted((DATA / "storage").rglob("*")):
        if path.is_dir() or path.suffix == ".attrs":
            continue
        parts = path.relative_to(DATA / "storage").parts
        if len(parts) == 3:
            url, thumb = "/".join(parts), ""
        else:
            url = f"{parts[0]}/{parts[1]}/{parts[2].removeprefix('thumbs_')}"
            thumb = parts[3].partition("_")[0]
        query = f"?token={file_token}&thumb={thumb}"
        with urllib.request.urlopen(f"{server.url}/api/files/{url}{query}", timeout=10) as response:
            served = response.read()
        expected = path.read_bytes()
        assert served == expected, f"{url}{query}"


def test_what_pbhost_writes_stays_readable_by_pocketbase(copied: Path, start_server: Callable[..., Server]) -> None:
    """Only tables prefixed ``_pbhost_`` are added, and new rows have the stored forms of the contract."""
    with sqlite3.connect(DATA / "data.db") as db:
        before = dict(db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall())
    root = issued_token(copied, "_superusers", "test@example.com")
    server = start_server(dir=copied, superuser=False)
    body = {"text": "new", "bool": True, "number": 1.5, "datetime": "2026-01-02", "select_many": ["optionA", "optionB"]}
    status, made = server.request("POST", "/api/collections/demo1/records", body, token=root)
    assert status == 200, made
    assert isinstance(made, dict)
    assert server.stop() == 0
    with sqlite3.connect(copied / "data.db") as db:
        after = dict(db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall())
        row = db.execute(
            "SELECT text, bool, number, datetime, select_many, created FROM demo1 WHERE id = ?", (made["id"],)
        ).fetchone()
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert {name for name in after if name not in before} == {name for name in after if name.startswith("_pbhost_")} | {
        "sqlite_sequence"  # SQLite's own, for the sequence of the change feed
    }
    assert {name: after.get(name) for name in before} == before
    assert row == ("new", 1, 1.5, "2026-01-02 00:00:00.000Z", '["optionA","optionB"]', made["created"])


def test_a_bcrypt_password_signs_in_and_is_hashed_again(copied: Path, start_server: Callable[..., Server]) -> None:
    server = start_server(dir=copied, superuser=False)
    token = issued_token(copied, "clients", "test@example.com")
    credentials = {"identity": "test@example.com", "password": "1234567890"}
    for _ in range(2):
        status, answer = server.request("POST", "/api/collections/clients/auth-with-password", credentials)
        assert status == 200, answer
    assert server.request("POST", "/api/collections/clients/auth-refresh", token=token)[0] == 200, "old token died"
    assert server.stop() == 0
    with sqlite3.connect(copied / "data.db") as db:
        (stored,) = db.execute("SELECT password FROM clients WHERE email = 'test@example.com'").fetchone()
    assert stored.startswith("$argon2id$")
