"""A data directory to break on purpose, and what the doctor says about it."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from pbhost.cli.diagnosis import Diagnosis, Scope, diagnose
from pbhost.config import Config, load_config
from pbhost.model import UploadedFile
from pbhost.testing import running_app

POSTS = {
    "name": "posts",
    "type": "base",
    "fields": [
        {"name": "title", "type": "text"},
        {"name": "note", "type": "text"},
        {"name": "owner", "type": "relation", "collectionId": "_pb_users_auth_", "maxSelect": 1, "required": True},
        {"name": "image", "type": "file", "maxSelect": 1},
    ],
    "indexes": ["CREATE INDEX `idx_posts_owner` ON `posts` (`owner`)"],
    "listRule": 'owner = @request.auth.id && @request.auth.id != ""',
}
VIEW = {"name": "titles", "type": "view", "viewQuery": "SELECT id, title FROM posts"}
PASSWORD = "correct horse battery staple"


def install(directory: Path) -> None:
    """A healthy installation, in a directory ``pb_data``: a superuser, a user, a post with a file, a view, a backup."""
    asyncio.run(_install(directory.parent))
    (directory / "backups").mkdir()
    (directory / "backups" / "first.zip").write_bytes(b"PK\x05\x06" + bytes(18))


async def _install(directory: Path) -> None:
    async with running_app(directory) as running:
        app = running.app
        await app.records.create("_superusers", {"email": "root@example.org", "password": PASSWORD})
        user = await app.records.create("users", {"email": "ann@example.org", "password": PASSWORD})
        for definition in (POSTS, VIEW):
            collection = app.collections.new(str(definition["type"]))
            app.collections.merge(collection, definition)
            await app.collections.save(collection)
        image = UploadedFile.from_bytes(b"a cat", "cat.txt")
        await app.records.create("posts", {"title": "one", "owner": user.id, "image": image})


class Installation:
    """A copy of it that a test may spoil."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.flags: dict[str, object] = {"dir": str(path)}
        self.environment: dict[str, str] = {}

    def sql(self, statement: str, *params: object, file: str = "data.db") -> list[tuple[object, ...]]:
        """Changes the database behind everybody's back."""
        with closing(sqlite3.connect(self.path / file)) as raw, raw:
            return list(raw.execute(statement, params))

    def settings(self, **sections: object) -> None:
        """Changes the stored settings, section by section."""
        (stored,) = self.sql("SELECT value FROM _params WHERE id = 'settings'")[0]
        values = json.loads(stored)  # type: ignore[arg-type]  # text or bytes
        for name, change in sections.items():
            values[name] = {**values[name], **change} if isinstance(change, Mapping) else change
        self.sql("UPDATE _params SET value = ? WHERE id = 'settings'", json.dumps(values).encode())

    def options(self, collection: str, **changes: Mapping[str, object]) -> None:
        """Changes the options of a collection, key by key."""
        (stored,) = self.sql("SELECT options FROM _collections WHERE name = ?", collection)[0]
        values = json.loads(stored)  # type: ignore[arg-type]  # text
        for name, change in changes.items():
            values[name] = {**values[name], **change}
        self.sql("UPDATE _collections SET options = ? WHERE name = ?", json.dumps(values), collection)

    def rule(self, collection: str, kind: str, rule: str | None) -> None:
        """Sets an API rule."""
        self.sql(f"UPDATE _collections SET {kind}Rule = ? WHERE name = ?", rule, collection)

    def stored_file(self) -> Path:
        """The file of the post."""
        collection, record, name = self.sql(
            "SELECT (SELECT id FROM _collections WHERE name = 'posts'), id, image FROM posts"
        )[0]
        return self.path / "storage" / str(collection) / str(record) / str(name)

    def put(self, name: str, content: bytes = b"x", *, days_ago: float = 0.0, size: int = 0) -> Path:
        """Makes a file of some age, and of some size without taking that room."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if size:
            os.truncate(path, size)
        then = time.time() - days_ago * 86_400
        os.utime(path, (then, then))
        return path

    def examine(self, *only: str, full: bool = False, seconds: float = 20.0) -> Diagnosis:
        """What the doctor finds, with some of its checks or all of them."""

        def configure() -> Config:
            return load_config(self.flags, self.environment, directory=self.path.parent)

        return diagnose(configure, Scope(full=full, seconds=seconds, only=only))

    def state(self) -> dict[str, tuple[int, int, bytes]]:
        """Every file with its time, size and content."""
        return {
            str(path.relative_to(self.path)): (path.stat().st_mtime_ns, path.stat().st_size, path.read_bytes())
            for path in sorted(self.path.rglob("*"))
            if path.is_file()
        }
