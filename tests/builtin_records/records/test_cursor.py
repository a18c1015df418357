"""``?cursor=``: pages that begin where the last one ended, whatever is written in between."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from pbhost.database import Connection, Transaction
from pbhost.testing import running_app
from tests.builtin_records.records.conftest import Blog

SORTS = (
    "",
    "name",
    "-name",
    "rank,-name",
    "-rank,data",
    "-data,rank",
    "data",
    "boss.name,-rank",
    "-boss.rank",
    "name:lower",
    "-data.a,name",
    "@rowid",
    "-@rowid",
    "id",
    "-flag",
    "-created,-id",
)
FIELDS: list[dict[str, Any]] = [
    {"type": "text", "name": "name"},
    {"type": "number", "name": "rank"},
    {"type": "bool", "name": "flag"},
    {"type": "json", "name": "data"},
    {"type": "select", "name": "tags", "values": ["a", "b", "c"], "maxSelect": 3},
    {"type": "autodate", "name": "created", "onCreate": True},
]


@pytest.fixture
async def people(tmp_path: Path) -> AsyncIterator[Blog]:
    async with running_app(tmp_path) as running:
        blog = Blog(running, await running.superuser())
        id_ = await blog.define("people", FIELDS)
        collection: Any = (await running.request("GET", "/api/collections/people", token=blog.root)).body
        boss = {"type": "relation", "name": "boss", "collectionId": id_, "maxSelect": 1}
        await blog.change("people", fields=[*collection["fields"], boss])
        yield blog


def values(rng: random.Random, ids: list[str]) -> dict[str, Any]:
    return {
        "name": rng.choice(["", "a", "B", "b", "É", "zz", "10", "9"]),
        "rank": rng.choice([0, -1, 1.5, 10, 9, 1e17]),
        "flag": rng.random() < 0.5,
        "data": rng.choice([None, 1, 2.5, "x", "10", {"a": 1}, {"a": None}, [], True]),
        "tags": rng.sample(["a", "b", "c"], rng.randrange(4)),
        "boss": rng.choice(ids) if ids and rng.random() < 0.7 else "",
    }


async def pages(blog: Blog, query: str, per_page: int) -> AsyncIterator[list[str]]:
    cursor = ""
    while True:
        answer = await blog.get(f"people/records?perPage={per_page}&{query}&cursor={cursor}")
        assert answer.status == 200, answer.body
        body: Any = answer.body
        assert (body["totalItems"], body["totalPages"], body["perPage"]) == (-1, -1, per_page)
        yield [item["id"] for item in body["items"]]
        cursor = body["nextCursor"]
        if not cursor:
            return


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("seed", range(3))
async def test_what_stays_comes_exactly_once_while_others_come_and_go(people: Blog, sort: str, seed: int) -> None:
    rng = random.Random(f"{sort} {seed}")
    records = people.app.records
    await people.app.collections.truncate(people.app.collections.get("people"))
    alive: list[str] = []
    for _ in range(40):
        alive.append((await records.create("people", values(rng, alive))).id)
    filter_ = rng.choice(["", "", "rank >= 0", "flag = true", "boss.name != 'B'", "tags:each ?= 'a'"])
    query = f"sort={quote(sort)}&filter={quote(filter_)}"

    async def full() -> list[str]:
        body: Any = (await people.get(f"people/records?perPage=500&skipTotal=1&{query}")).body
        return [item["id"] for item in body["items"]]

    # Quiet: all of it, in the order of the sort.
    seen = [id_ async for page in pages(people, query, rng.randrange(1, 7)) for id_ in page]
    assert sorted(seen) == sorted(await full())
    assert len(seen) == len(set(seen))

    # With writes in between. A boss is never touched: a changed sort key may move who has it.
    before, seen, touched = set(await full()), [], set()
    bosses = {str(record["boss"]) for record in await records.find_many("people")}
    async for page in pages(people, query, rng.randrange(1, 7)):
        seen += page
        for _ in range(rng.randrange(3)):
            if rng.random() < 0.5:
                record = await records.create("people", values(rng, alive))
                bosses.add(str(record["boss"]))
                alive.append(record.id)
                touched.add(record.id)
            else:
                # Also rows that were just shown: the position must not depend on them.
                loose = [id_ for id_ in (page if rng.random() < 0.5 else alive) if id_ in alive and id_ not in bosses]
                if loose:
                    gone = rng.choice(loose)
                    await records.delete(await records.get("people", gone))
                    alive.remove(gone)
                    touched.add(gone)
    assert len(seen) == len(set(seen))
    assert before - touched <= set(seen)
    assert set(seen) <= before | touched

    iterated = [record.id async for record in records.iterate("people", filter_, sort=sort, batch=7)]
    assert sorted(iterated) == sorted(await full())


async def test_the_order_is_that_of_the_sort(people: Blog) -> None:
    await people.app.collections.truncate(people.app.collections.get("people"))
    for rank in (3, 1, 2, 2, 1, 3):
        await people.make("people", rank=rank)
    shown: list[Any] = []
    cursor = ""
    while True:
        body: Any = (await people.get(f"people/records?perPage=2&sort=-rank&fields=rank&cursor={cursor}")).body
        shown += body["items"]
        cursor = body["nextCursor"]
        if not cursor:
            break
    assert [item["rank"] for item in shown] == [3, 3, 2, 2, 1, 1]


async def test_a_cursor_survives_the_loss_of_its_row_and_compacting(people: Blog) -> None:
    records = people.app.records
    await people.app.collections.truncate(people.app.collections.get("people"))
    ids = [await people.make("people", rank=rank) for rank in range(6)]
    first: Any = (await people.get("people/records?perPage=3&cursor=")).body
    await records.delete(await records.get("people", ids[0]))
    rest: Any = (await people.get(f"people/records?perPage=9&cursor={first['nextCursor']}")).body
    assert [item["id"] for item in rest["items"]] == ids[3:]
    # The last row's number is given to the next one.
    all_but_one: Any = (await people.get("people/records?perPage=4&cursor=")).body
    for id_ in ids[4:]:
        await records.delete(await records.get("people", id_))
    newer = await people.make("people", rank=7)
    rest = (await people.get(f"people/records?perPage=9&cursor={all_but_one['nextCursor']}")).body
    assert [item["id"] for item in rest["items"]] == [newer]


@pytest.mark.parametrize("sort", ["@random", "rank,@random", "people_via_boss.name", "tags:each"])
async def test_a_sort_without_a_place_for_each_record_is_refused(people: Blog, sort: str) -> None:
    answer = await people.get(f"people/records?cursor=&sort={sort}")
    assert answer.status == 400
    assert str(answer["message"]).startswith("The sort cannot be combined with a cursor")
    assert (await people.get(f"people/records?sort={sort}")).status == 200
    [_ async for _ in people.app.records.iterate("people", sort=sort)]


async def test_cursors_of_others_are_refused(people: Blog) -> None:
    for rank in range(3):
        await people.make("people", rank=rank)
    body: Any = (await people.get("people/records?perPage=1&sort=rank&cursor=")).body
    cursor = body["nextCursor"]
    for query in ("sort=-rank", "", "sort=rank&filter=rank%3E0"):
        answer = await people.get(f"people/records?{query}&cursor={cursor}")
        assert (answer.status, answer["message"]) == (
            400,
            "The cursor belongs to another query: collection, filter and sort must stay the same.",
        )
    flipped = ("A" if cursor[20] != "A" else "B").join((cursor[:20], cursor[21:]))
    for hostile in ("x", "%00", "é", "A" * 9000, "A" * 40, cursor[:-5], cursor + "AAAA", flipped, "' OR 1=1 --", "[]"):
        answer = await people.get(f"people/records?sort=rank&cursor={quote(hostile)}")
        assert (answer.status, answer["message"]) == (400, "The cursor is not valid."), hostile


async def test_a_cursor_tells_nothing_of_the_values_it_holds(people: Blog) -> None:
    import base64

    await people.app.collections.truncate(people.app.collections.get("people"))
    for name in ("very-secret-1", "very-secret-2"):
        await people.make("people", name=name)
    body: Any = (await people.get("people/records?perPage=1&sort=name&cursor=")).body
    assert b"secret" not in base64.urlsafe_b64decode(body["nextCursor"] + "==")


async def test_a_value_too_long_for_a_cursor_is_said(people: Blog) -> None:
    for letter in ("x", "y"):
        await people.make("people", name=letter * 3000)
    answer = await people.get("people/records?perPage=1&sort=-name&cursor=")
    assert (answer.status, "too long" in str(answer["message"])) == (400, True)


async def test_views_have_cursors_by_id(people: Blog) -> None:
    await people.define("ranks", [], type="view", viewQuery="SELECT id, rank, name FROM people")
    expected: Any = (await people.get("ranks/records?perPage=500&sort=rank,id")).body
    seen: list[str] = []
    cursor = ""
    while True:
        body: Any = (await people.get(f"ranks/records?perPage=1&sort=rank&cursor={cursor}")).body
        seen += [item["id"] for item in body["items"]]
        cursor = body["nextCursor"]
        if not cursor:
            break
    assert seen == [item["id"] for item in expected["items"]]


@pytest.mark.parametrize("before", [1, 30])
@pytest.mark.parametrize(
    ("index", "sort"),
    [
        ("", ""),
        ("(`rank`)", "rank"),
        ("(`rank`)", "-rank"),
        ("(`rank` DESC)", "-rank"),
        ("(`flag`, `rank`)", "-flag,-rank"),
        ("(`flag`, `rank` DESC)", "flag,-rank"),
    ],
)
async def test_every_part_of_a_deep_page_is_a_range_of_the_index(
    people: Blog, index: str, sort: str, before: int
) -> None:
    indexes = [f"CREATE INDEX `by_it` ON `people` {index}"] if index else []
    await people.change("people", indexes=indexes)

    def refresh_statistics(transaction: Transaction) -> None:
        transaction.execute("ANALYZE")
        for statement in transaction.dialect.optimize():
            transaction.execute(statement)

    # Statistics are refreshed when a collection changes, however few records it has then, and perhaps not for long.
    for rank in range(before):
        await people.app.records.create("people", {"rank": rank})
    await people.app.db.write(refresh_statistics)
    for rank in range(before, 30):
        await people.app.records.create("people", {"rank": rank})
    collection = people.app.collections.get("people")
    core = people.app.records.core  # type: ignore[attr-defined]  # of the built-in service
    query = core.queries.search(collection, None, sort=sort)
    keyset = query.compiled.keyset()

    def plans(connection: Connection) -> list[str]:
        from builtin_records.filter import Position

        position = Position((1,) * len(keyset.terms), "x")
        found = []
        for sql in query.after(("id", "name"), position):
            # Only a statement that runs notices that the schema has changed; EXPLAIN alone may not know the index yet.
            connection.fetch_all(sql)
            rows = connection.fetch_all("EXPLAIN QUERY PLAN " + sql.text, sql.params)
            found.append(" / ".join(str(row[3]) for row in rows))
        return found

    for plan in await people.app.db.read(plans):
        assert plan.startswith("SEARCH"), plan
        assert "TEMP B-TREE" not in plan, plan
