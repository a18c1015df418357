"""What the reference evaluator believes of SQLite is what SQLite does."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .conftest import cases
from .strategies import JSONS, LISTS, NUMBERS, TEXTS
from .values import (
    Affinity,
    Cell,
    Scalar,
    equal,
    json_extract,
    json_items,
    json_length,
    like,
    lower,
    ordered,
    same,
)

scalars = st.sampled_from([*TEXTS, *NUMBERS, *JSONS, *LISTS, " 5", "5 ", "1e1", "0x5", ".5", "5."]) | st.text(
    "aA5%_\\.", max_size=4
)
affinities = st.sampled_from([Affinity.NONE, Affinity.TEXT, Affinity.NUMERIC])


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE stored (side TEXT, t TEXT, n NUMERIC)")
    yield connection
    connection.close()


def ask(database: sqlite3.Connection, sql: str, *values: Scalar) -> Scalar:
    ((answer,),) = database.execute(f"SELECT {sql}", values)
    return answer


@cases(400)
@given(scalars, affinities, scalars, affinities)
def test_comparisons(database: sqlite3.Connection, a: Scalar, left: Affinity, b: Scalar, right: Affinity) -> None:
    columns = {Affinity.TEXT: "t", Affinity.NUMERIC: "n"}
    database.execute("DELETE FROM stored")
    sides, cells, values = [], [], []
    for name, value, affinity in (("l", a, left), ("r", b, right)):
        if affinity is Affinity.NONE:
            sides.append("?")
            values.append(value)
            cells.append(Cell(value))
        else:
            column = columns[affinity]
            database.execute(f"INSERT INTO stored (side, {column}) VALUES (?, ?)", (name, value))
            ((stored,),) = database.execute(f"SELECT {column} FROM stored WHERE side = ?", (name,))
            sides.append(f"(SELECT {column} FROM stored WHERE side = '{name}')")
            cells.append(Cell(stored, affinity))
    for sign in ("=", "IS", "<", "<=", ">", ">="):
        answer = ask(database, f"{sides[0]} {sign} {sides[1]}", *values)
        if sign == "=":
            expected = equal(*cells)
        elif sign == "IS":
            expected = same(*cells)
        else:
            expected = ordered(cells[0], sign, cells[1])
        assert answer == expected, (cells, sign)


@cases(400)
@given(scalars, scalars)
def test_like_and_lower(database: sqlite3.Connection, text: Scalar, pattern: Scalar) -> None:
    assert ask(database, "? LIKE ? ESCAPE '\\'", text, pattern) == like(text, pattern)
    assert ask(database, "LOWER(?)", text) == lower(text)


@cases(200)
@given(scalars, st.lists(st.sampled_from(["a", "b", 0, 1]), max_size=3))
def test_json(database: sqlite3.Connection, value: Scalar, steps: list[str | int]) -> None:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    extract = (
        f"CASE WHEN json_valid(?1) THEN json_extract(?1, '${path}') "
        f"ELSE json_extract(json_object('pb', ?1), '$.pb{path}') END"
    )
    assert ask(database, extract, value) == json_extract(value, steps)
    is_array = "iif(json_valid(?1), json_type(?1)='array', FALSE)"
    rows = database.execute(
        f"SELECT value FROM json_each(CASE WHEN {is_array} THEN ?1 ELSE json_array(?1) END)", (value,)
    )
    assert [row[0] for row in rows] == json_items(value)
    length = (
        f"json_array_length(CASE WHEN {is_array} THEN ?1 ELSE "
        "CASE WHEN ?1 = '' OR ?1 IS NULL THEN json_array() ELSE json_array(?1) END END)"
    )
    assert ask(database, length, value) == json_length(value)
