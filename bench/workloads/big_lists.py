"""Lists of 100,000 rows beside the best SELECT and COUNT written by hand, run in SQLite in turn with them."""

from __future__ import annotations

import http.client
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from bench.environment import Environment
from bench.load import Target
from bench.load import run as load
from bench.plans import plans_of_list
from bench.report import Line, Report
from bench.workloads.shapes import Shapes, running_shapes

_ROUNDS = 9
_COLUMNS = "id, title, description, type, teams, author"
_LIKE = "description LIKE '%ipsum dolor%'"
_TYPE = "NOT EXISTS (SELECT 1 FROM json_each(posts.type) WHERE value = 'c')"
_TEAMS = (
    "EXISTS (SELECT 1 FROM json_each(posts.teams) WHERE value IN "
    "(SELECT t.id FROM teams t WHERE EXISTS (SELECT 1 FROM json_each(t.people) WHERE value = :reader)))"
)


@dataclass(frozen=True, slots=True)
class Shape:
    """A list.

    Attributes:
        filter: of the client; ``rule`` of the collection.
        where: the same by hand.
        pocketbase: lists per second of PocketBase's published benchmark, on slower cores.
    """

    name: str
    pocketbase: float
    filter: str = ""
    rule: str = ""
    where: str = "TRUE"
    total: bool = True

    @property
    def path(self) -> str:
        total = "" if self.total else "&skipTotal=1"
        return f"/api/collections/posts/records?perPage=30{total}&filter={quote(self.filter)}"


SHAPES = (
    Shape("list of 100,000 with total", 146),
    Shape("description ~ 'ipsum dolor'", 20, filter="description ~ 'ipsum dolor'", where=_LIKE),
    Shape("type:each != 'c' with total", 2, filter="type:each != 'c'", where=_TYPE),
    Shape("rule over two multi-valued levels, total", 0.5, rule="teams.people.id ?= @request.auth.id", where=_TEAMS),
    Shape(
        "rule over two multi-valued levels, no total",
        129,
        rule="teams.people.id ?= @request.auth.id",
        where=_TEAMS,
        total=False,
    ),
)


def run(environment: Environment, report: Report) -> None:
    shapes = running_shapes(environment, report)
    raw = sqlite3.connect(f"file:{shapes.database}?mode=ro", uri=True)
    raw.execute("PRAGMA mmap_size = 268435456")
    raw.execute("PRAGMA cache_size = -32000")
    try:
        for shape in SHAPES:
            report.say(shape.name)
            shapes.change("posts", listRule=shape.rule)
            _beside_hand_written(shapes, raw, shape, report)
            _per_second(environment, shapes, shape, report)
    finally:
        shapes.change("posts", listRule="")
        raw.close()


def _beside_hand_written(shapes: Shapes, raw: sqlite3.Connection, shape: Shape, report: Report) -> None:
    """The time of a list whose total is not known yet, less that of a small list, by that of the SQL."""
    values = {"reader": shapes.reader}
    statements = [f"SELECT {_COLUMNS} FROM posts WHERE {shape.where} LIMIT 30"]
    if shape.total:
        statements.append(f"SELECT COUNT(*) FROM posts WHERE {shape.where}")
    by_hand: list[float] = []
    ours: list[float] = []
    small: list[float] = []
    client = _Client(shapes)
    for number in range(_ROUNDS):
        by_hand.append(_timed(lambda: [raw.execute(statement, values).fetchall() for statement in statements]))
        small.append(_timed(lambda: client.get("/api/collections/comments/records?perPage=30&skipTotal=1")))
        shapes.touch(number)
        ours.append(_timed(lambda: client.get(shape.path)))
    client.close()
    # The work is the same each time: the fastest run has the least of whatever else the machine does.
    sql, one, constant = min(by_hand), min(ours), min(small)
    note = f"{one * 1000:.1f} ms, SQL by hand {sql * 1000:.1f} ms, a small list {constant * 1000:.1f} ms"
    report.add(Line(f"{shape.name}: by SQL", max(one - constant, 0) / sql, 1.2, at_most=True, note=note))
    for statement in statements:
        for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", values):
            report.say(f"      by hand: {row[3]}")
    for line in plans_of_list(shapes.data, "posts", ("readers", shapes.reader), shape.filter, total=shape.total):
        report.say(f"      pbhost:  {line}")


def _per_second(environment: Environment, shapes: Shapes, shape: Shape, report: Report) -> None:
    target = Target(shape.path, headers=(f"Authorization: {shapes.token}",))
    load(shapes.server, target, 1)
    rate = load(shapes.server, target, environment.seconds).per_second
    bar = shape.pocketbase * 5
    report.add(Line(f"{shape.name}, 32 clients", rate, bar, unit="/s", pocketbase=shape.pocketbase))


class _Client:
    """One connection, one request after the other, as the reader."""

    def __init__(self, shapes: Shapes) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(shapes.server.url).netloc, timeout=60)
        self._headers = {"Authorization": shapes.token}

    def get(self, path: str) -> bytes:
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"GET {path} failed with {answer.status}: {body[:300]!r}")
        return body

    def close(self) -> None:
        self._connection.close()


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
