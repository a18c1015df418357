"""The data: a collection of ten fields with many rows, one for messages, and one of users; all rules public."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator

from bench.environment import COLLECTION, MESSAGES, PEOPLE, PERSON, SUPERUSER, Environment
from bench.processes import pbhost, request
from bench.report import Report

_PUBLIC = {"listRule": "", "viewRule": "", "createRule": "", "updateRule": "", "deleteRule": ""}
_FIELDS: list[dict[str, object]] = [
    {"name": "title", "type": "text"},
    {"name": "slug", "type": "text"},
    {"name": "body", "type": "text"},
    {"name": "category", "type": "select", "values": ["news", "sport", "culture", "science"], "maxSelect": 1},
    {"name": "score", "type": "number"},
    {"name": "active", "type": "bool"},
    {"name": "published", "type": "date"},
    {"name": "meta", "type": "json"},
    {"name": "created", "type": "autodate", "onCreate": True},
]
_WORDS = (
    *("river", "stone", "light", "window", "garden", "paper", "winter"),
    *("signal", "harbour", "letter", "engine", "forest", "bridge", "market"),
)
#: Ids that the load asks for.
_ASKED = 5000


def new_article(number: object = "%d") -> dict[str, object]:
    """The body of a create."""
    return {
        "title": f"Article {number}",
        "slug": f"article-{number}",
        "body": " ".join(_WORDS[:12]),
        "category": "news",
        "score": 12.5,
        "active": True,
        "published": "2024-05-01 12:30:45.123Z",
        "meta": {"source": "bench", "tags": ["a", "b"]},
    }


def seed(environment: Environment, report: Report) -> None:
    """Makes the data directory, unless there is one already."""
    directory = environment.directory
    data = directory / "pb_data"
    if environment.ids().exists():
        report.say(f"using the data in {directory}")
        return
    report.say(f"seeding {environment.rows:,} rows")
    directory.mkdir(parents=True, exist_ok=True)
    email, password = SUPERUSER
    subprocess.run(
        [sys.executable, "-m", "pbhost", "superuser", "upsert", email, password, "--dir", str(data)], check=True
    )
    with pbhost(data, environment.log) as server:
        signed_in = request(
            f"{server.url}/api/collections/_superusers/auth-with-password", {"identity": email, "password": password}
        )[1]
        headers = {"Authorization": str(signed_in["token"])}
        for body in (
            {"name": COLLECTION, "type": "base", "fields": _FIELDS, **_PUBLIC},
            {"name": MESSAGES, "type": "base", "fields": [{"name": "text", "type": "text"}], **_PUBLIC},
            {"name": PEOPLE, "type": "auth", **_PUBLIC},
        ):
            _expect(request(f"{server.url}/api/collections", body, headers=headers))
        _expect(request(f"{server.url}/api/collections/{PEOPLE}/records", PERSON, headers=headers))
    raw = sqlite3.connect(data / "data.db")
    with raw:
        raw.executemany(
            f"INSERT INTO {COLLECTION} (id, title, slug, body, category, score, active, published, meta, created) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            _rows(environment.rows),
        )
    ids = [row[0] for row in raw.execute(f"SELECT id FROM {COLLECTION} ORDER BY random() LIMIT {_ASKED}")]
    raw.execute("PRAGMA optimize")
    raw.close()
    environment.ids().write_text("\n".join(ids) + "\n")


def _rows(count: int) -> Iterator[tuple[object, ...]]:
    chance = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    for number in range(count):
        day = f"2024-{1 + number % 12:02d}-{1 + number % 28:02d} {number % 24:02d}:30:45.123Z"
        yield (
            "".join(chance.choices(letters, k=15)),
            " ".join(chance.choices(_WORDS, k=5)),
            f"article-{number}",
            " ".join(chance.choices(_WORDS, k=30)),
            chance.choice(("news", "sport", "culture", "science")),
            chance.randrange(1_000_000) / 100,
            number % 2,
            day,
            json.dumps({"source": "seed", "tags": chance.choices(_WORDS, k=3)}, separators=(",", ":")),
            day,
        )


def _expect(answer: tuple[int, dict[str, object]]) -> None:
    status, body = answer
    if status != 200:
        raise SystemExit(f"seeding failed with {status}: {body}")
