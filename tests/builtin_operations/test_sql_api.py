"""The SQL console over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pbhost.testing import Running

ROOT = "token-of-a-superuser"


async def run(server: Running, query: object) -> Any:
    return await server.request("POST", "/api/sql", {"query": query}, token=ROOT)


async def test_writing_statements_are_one_transaction(server: Running) -> None:
    answer = await run(server, "create table t(id int primary key);insert into t(id) values(1),(2)")
    assert answer["affectedRows"] == 2
    assert (answer["columns"], answer["rows"]) == ([], [])
    failed = await run(server, "insert into t values(3); invalid")
    assert failed.status == 400
    assert failed["message"].startswith("Failed to execute query. Raw error:\nSQL logic error: near ")
    assert (await run(server, "select count(*) n from t"))["rows"] == [["2"]]


async def test_values_are_texts_and_columns_have_their_declared_types(server: Running) -> None:
    await run(server, "create table t(a TEXT, b REAL, c boolean, d); insert into t values('x', 1.5, 1, null)")
    answer = await run(server, "select a, b, c, d, b + 1 as e from {{t}} where [[t.a]] = 'x'")
    assert answer["rows"] == [["x", "1.5", "1", None, "2.5"]]
    assert [(column["name"], column["type"]) for column in answer["columns"]] == [
        ("a", "TEXT"),
        ("b", "REAL"),
        ("c", "BOOLEAN"),
        ("d", ""),
        ("e", ""),
    ]
    assert all(column["nullable"] for column in answer["columns"])


async def test_columns_of_the_same_name_keep_it(server: Running) -> None:
    answer = await run(server, "select 1 as a, 2 as a, 3 as 'b:1'")
    assert [column["name"] for column in answer["columns"]] == ["a", "a", "b:1"]


async def test_the_last_of_several_reading_statements_answers(server: Running) -> None:
    assert (await run(server, "select 1 as a; select ';' as b -- done"))["rows"] == [[";"]]
    assert (await run(server, "PRAGMA table_info('_params')"))["rows"][0][1] == "id"


async def test_at_most_a_thousand_rows_are_answered(server: Running) -> None:
    query = "with recursive n(i) as (select 1 union all select i + 1 from n limit 5000) select i from n"
    assert len((await run(server, query))["rows"]) == 1000


@pytest.mark.parametrize(
    ("query", "code"),
    [("", "validation_required"), (None, "validation_required"), ("a" * 5001, "validation_length_too_long")],
)
async def test_an_empty_or_huge_query_is_refused(server: Running, query: object, code: str) -> None:
    answer = await run(server, query)
    assert (answer.status, answer["data"]["query"]["code"]) == (400, code)


@pytest.mark.parametrize(
    "query",
    [
        "with x as (select 1) delete from t",
        "-- a comment first\ndelete from t",
        "select 1; delete from t",
        "/* ; */ delete from t; select count(*) from t",
    ],
)
async def test_what_writes_is_told_apart_whatever_stands_before_it(server: Running, query: str) -> None:
    await run(server, "create table t(a); insert into t values (1), (2)")
    answer = await run(server, query)
    assert (answer.status, answer["affectedRows"]) == (200, 0)
    assert (await run(server, "-- count\nselect count(*) from t"))["rows"] == [["0"]]


async def test_words_in_texts_write_nothing(server: Running) -> None:
    assert (await run(server, "select 'delete from t'"))["rows"] == [["delete from t"]]
    assert (await run(server, "with x as (select 'delete' a) select a from x"))["rows"] == [["delete"]]


async def test_a_constraint_is_named(server: Running) -> None:
    answer = await run(server, "create table t(id int primary key); insert into t values(1),(1)")
    assert "constraint failed: UNIQUE constraint failed: t.id" in answer["message"]


async def test_only_superusers_may(server: Running) -> None:
    assert (await server.request("POST", "/api/sql", {"query": "select 1"})).status == 401


@pytest.mark.parametrize("query", ["VACUUM", " vacuum ;\n", "-- make room\nVACUUM"])
async def test_the_room_of_deleted_rows_can_be_given_back(server: Running, query: str) -> None:
    rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
    for statement in (
        "CREATE TABLE things (id TEXT PRIMARY KEY, content TEXT)",
        f"INSERT INTO things {rows} SELECT i, hex(randomblob(500)) FROM n",
        "DELETE FROM things WHERE id > '3'",
    ):
        assert (await run(server, statement)).status == 200
    kept = (await run(server, "SELECT count(*) FROM things")).body["rows"]
    # Others write meanwhile; they wait, and nothing of theirs is lost.
    writes = [run(server, f"INSERT INTO things VALUES ('new{number}', '')") for number in range(20)]
    answer, *written = await asyncio.gather(run(server, query), *writes)
    assert (answer.status, answer.body["rows"], answer.body["affectedRows"]) == (200, [], 0), answer.text
    assert {item.status for item in written} == {200}
    free = (await run(server, "PRAGMA freelist_count")).body["rows"]
    assert int(free[0][0]) < 20
    assert (await run(server, "SELECT count(*) FROM things")).body["rows"] == [[str(int(kept[0][0]) + 20)]]
    assert (await run(server, "PRAGMA integrity_check")).body["rows"] == [["ok"]]
