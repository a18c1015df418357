"""The shapes where multi-valued rules, totals and cascades cost most, at their full sizes, on a server of their own.

`posts` (100,000) have a long text, several types and two `teams` each; teams have ten `readers` each. `posts` belong to
`members`, and `comments` (100,000) to posts, so that a deleted member takes both along; `notes` (100,000) belong to
`owners`. No relation has an index.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.environment import SUPERUSER, Environment
from bench.processes import Process, pbhost, request
from bench.report import Report

PEOPLE = 1000
TEAMS = 1000
FIRST_POST = "0" * 15
_RULES = {"viewRule": "", "createRule": "", "updateRule": "", "deleteRule": None}
_WORDS = (
    *("lorem", "ipsum", "dolor", "sit", "amet", "consectetur", "adipiscing", "elit", "sed", "do", "eiusmod"),
    *("tempor", "incididunt", "ut", "labore", "et", "magna", "aliqua"),
)
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_PASSWORD = "correct-horse-9"


@dataclass(frozen=True, slots=True)
class Shapes:
    """The seeded directory.

    Attributes:
        data: the data directory; ``database`` in it.
        reader: the id of a reader; ``token`` is theirs, ``root`` a superuser's.
    """

    data: Path
    server: Process
    reader: str
    token: str
    root: str

    @property
    def database(self) -> Path:
        return self.data / "data.db"

    def change(self, collection: str, **options: object) -> None:
        """Changes a collection's options, its rules for instance."""
        self.send("PATCH", f"/api/collections/{collection}", options)

    def touch(self, number: int) -> None:
        """A write that changes posts, so that what was counted is to be counted again."""
        self.send("PATCH", f"/api/collections/posts/records/{FIRST_POST}", {"title": f"touched {number}"})

    def send(self, method: str, path: str, body: object = None) -> dict[str, object]:
        status, answer = request(self.server.url + path, body, method=method, headers={"Authorization": self.root})
        if status >= 300:
            raise SystemExit(f"{method} {path} failed with {status}: {answer}")
        return answer


def running_shapes(environment: Environment, report: Report) -> Shapes:
    """Makes the directory and starts a server on it, once in a run of the benchmark."""
    found = environment.scratch / "shapes" / "pb_data"
    if found in _RUNNING:
        return _RUNNING[found]
    report.say(f"seeding {environment.rows:,} posts, comments and notes")
    data = environment.copy("shapes")
    with pbhost(data, environment.log) as server:
        root = _sign_in(server, "_superusers", *SUPERUSER)
        _make_collections(server, root)
    reader = _insert(data / "data.db", environment.rows)
    server = environment.stack.enter_context(pbhost(data, environment.log))
    root = _sign_in(server, "_superusers", *SUPERUSER)
    account = {"email": "reader@example.com", "password": _PASSWORD, "passwordConfirm": _PASSWORD, "id": reader}
    status, answer = request(f"{server.url}/api/collections/readers/records", account, headers={"Authorization": root})
    if status != 200:
        raise SystemExit(f"the reader was not made: {answer}")
    shapes = Shapes(data, server, reader, _sign_in(server, "readers", "reader@example.com", _PASSWORD), root)
    _RUNNING[data] = shapes
    return shapes


_RUNNING: dict[Path, Shapes] = {}


def _sign_in(server: Process, collection: str, email: str, password: str) -> str:
    path = f"{server.url}/api/collections/{collection}/auth-with-password"
    status, answer = request(path, {"identity": email, "password": password})
    if status != 200:
        raise SystemExit(f"sign-in failed with {status}: {answer}")
    return str(answer["token"])


def _make_collections(server: Process, root: str) -> None:
    ids: dict[str, str] = {}

    def make(name: str, *fields: dict[str, object], kind: str = "base") -> None:
        body = {"name": name, "type": kind, "fields": list(fields), "listRule": "", **_RULES}
        status, answer = request(f"{server.url}/api/collections", body, headers={"Authorization": root})
        if status != 200:
            raise SystemExit(f"{name} was not made: {answer}")
        ids[name] = str(answer["id"])

    def relation(name: str, target: str, most: int = 1, *, cascade: bool = False) -> dict[str, object]:
        options = {"collectionId": ids[target], "maxSelect": most, "cascadeDelete": cascade}
        return {"name": name, "type": "relation", **options}

    for name in ("readers", "members", "owners"):
        make(name, kind="auth")
    make("teams", {"name": "name", "type": "text"}, relation("people", "readers", 100))
    make(
        "posts",
        {"name": "title", "type": "text"},
        {"name": "description", "type": "text"},
        {"name": "type", "type": "select", "values": list("abcde"), "maxSelect": 5},
        relation("teams", "teams", 100),
        relation("author", "members", cascade=True),
    )
    make("comments", {"name": "text", "type": "text"}, relation("post", "posts", cascade=True))
    make("notes", {"name": "text", "type": "text"}, relation("author", "owners", cascade=True))


def _insert(database: Path, rows: int) -> str:
    """Fills the tables; returns the id of one of the readers, who has no account yet."""
    chance = random.Random(2)

    def new_id() -> str:
        return "".join(chance.choices(_LETTERS, k=15))

    raw = sqlite3.connect(database)
    people = {name: [new_id() for _ in range(PEOPLE)] for name in ("readers", "members", "owners")}
    teams = [new_id() for _ in range(TEAMS)]
    posts = [FIRST_POST, *(new_id() for _ in range(rows - 1))]

    def of_posts() -> Iterator[tuple[object, ...]]:
        for number, id_ in enumerate(posts):
            yield (
                id_,
                f"Post {number}",
                " ".join(chance.choices(_WORDS, k=60)),
                _json(chance.sample("abcde", chance.randrange(4))),
                _json(chance.sample(teams, 2)),
                chance.choice(people["members"]),
            )

    with raw:
        for name, ids in people.items():
            accounts = ((id_, f"{id_}@example.com", new_id() * 3, "") for id_ in ids[1:])
            raw.executemany(f"INSERT INTO {name} (id, email, tokenKey, password) VALUES (?, ?, ?, ?)", accounts)
        raw.executemany(
            "INSERT INTO teams (id, name, people) VALUES (?, ?, ?)",
            ((id_, f"Team {id_}", _json(chance.sample(people["readers"], 10))) for id_ in teams),
        )
        columns = "id, title, description, type, teams, author"
        raw.executemany(f"INSERT INTO posts ({columns}) VALUES (?, ?, ?, ?, ?, ?)", of_posts())
        raw.executemany(
            "INSERT INTO comments (id, text, post) VALUES (?, ?, ?)",
            ((new_id(), "A comment", chance.choice(posts)) for _ in range(rows)),
        )
        raw.executemany(
            "INSERT INTO notes (id, text, author) VALUES (?, ?, ?)",
            ((new_id(), "A note", chance.choice(people["owners"])) for _ in range(rows)),
        )
    raw.execute("PRAGMA optimize")
    raw.close()
    return people["readers"][0]


def _json(values: list[str]) -> str:
    return json.dumps(values, separators=(",", ":"))
