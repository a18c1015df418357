"""How a database engine's dialect has to spell things: a part of :class:`pbhost.testing.database_kit.DatabaseKit`."""

from __future__ import annotations

import pytest

from pbhost.database import Engine, Row, SqlValue


@pytest.mark.asyncio
class DialectKit:
    """The tests. ``engine`` is an opened one with a table ``kit(id, note, amount, items)``."""

    async def test_names_are_quoted(self, engine: Engine) -> None:
        for name in ('we"ird', "back`tick", "select", "mit leer", "ü"):
            quoted = engine.dialect.quote(name)
            await engine.write(lambda t, q=quoted: t.execute(f"CREATE TABLE {q} ({q} INTEGER)"))  # type: ignore[misc]
            assert await engine.read(lambda c, q=quoted: c.fetch_all(f"SELECT {q} FROM {q}")) == []  # type: ignore[misc]

    async def test_upsert_replaces_the_other_columns(self, engine: Engine) -> None:
        statement = engine.dialect.upsert("kit", ["id", "note"], ["id"])
        for values in (("a", "1"), ("b", "1"), ("a", "2")):
            await engine.write(lambda t, v=values: t.execute(statement, v))  # type: ignore[misc]
        assert await engine.read(lambda c: c.fetch_all("SELECT id, note FROM kit ORDER BY id")) == [
            ("a", "2"),
            ("b", "1"),
        ]

    @pytest.mark.parametrize(
        ("stored", "path", "value"),
        [
            ('{"a":[1,{"b":"x"}]}', ".a[1].b", "x"),
            ('{"a":[1,{"b":"x"}]}', ".a[0]", 1),
            ('{"a":null}', ".a", None),
            ('{"a":1}', ".missing", None),
            ('"text"', "", "text"),
            ("12.5", "", 12.5),
            ("plain words", "", "plain words"),
            ("plain words", ".a", None),
        ],
    )
    async def test_json_paths(self, engine: Engine, stored: str, path: str, value: SqlValue) -> None:
        await engine.write(lambda t: t.execute("INSERT INTO kit (id, items) VALUES ('a', ?)", (stored,)))
        wanted = f"SELECT {engine.dialect.json_extract('items', path)} FROM kit"
        assert await engine.read(lambda c: c.fetch_one(wanted)) == (value,)

    @pytest.mark.parametrize(
        ("stored", "items", "length"),
        [
            ('["a","b"]', ["a", "b"], 2),
            ("[]", [], 0),
            ("", [""], 0),
            ("single", ["single"], 1),
            ('{"a":1}', ['{"a":1}'], 1),
            ("7", [7], 1),
            (' ["a"]', ["a"], 1),
        ],
    )
    async def test_json_lists(self, engine: Engine, stored: str, items: list[SqlValue], length: int) -> None:
        await engine.write(lambda t: t.execute("INSERT INTO kit (id, items) VALUES ('a', ?)", (stored,)))
        dialect = engine.dialect
        for spelled in (dialect.json_each("kit.items"), dialect.list_items("kit.items")):
            each = f"SELECT je.value FROM kit, {spelled} je"
            assert await engine.read(lambda c, sql=each: c.fetch_all(sql)) == [(item,) for item in items]  # type: ignore[misc]
        assert await _value(engine, dialect.json_length("items"), "kit") == length

    @pytest.mark.parametrize(
        ("left", "pattern", "matches"),
        [("Hello", "%LL%", 1), ("a_b", r"a\_b", 1), ("axb", r"a\_b", 0), ("50%", r"%50\%", 1), ("É", "é", 0)],
    )
    async def test_like(self, engine: Engine, left: str, pattern: str, matches: int) -> None:
        dialect = engine.dialect
        params = (left, pattern)
        found = f"SELECT CASE WHEN {dialect.like('?', '?')} THEN 1 ELSE 0 END"
        missed = f"SELECT CASE WHEN {dialect.like('?', '?', negated=True)} THEN 1 ELSE 0 END"
        assert await engine.read(lambda c: c.fetch_one(found, params)) == (matches,)
        assert await engine.read(lambda c: c.fetch_one(missed, params)) == (1 - matches,)

    async def test_comparison_with_null(self, engine: Engine) -> None:
        dialect = engine.dialect
        for left, right, same in (("NULL", "NULL", 1), ("NULL", "'a'", 0), ("'a'", "'a'", 1)):
            wanted = f"CASE WHEN {dialect.is_same(left, right)} THEN 1 ELSE 0 END"
            assert await _value(engine, wanted) == same
            wanted = f"CASE WHEN {dialect.is_same(left, right, negated=True)} THEN 1 ELSE 0 END"
            assert await _value(engine, wanted) == 1 - same

    async def test_distance(self, engine: Engine) -> None:
        dialect = engine.dialect
        berlin_paris = await _value(engine, dialect.geo_distance("13.4", "52.52", "2.35", "48.86"))
        assert berlin_paris == pytest.approx(877.6, abs=1)
        assert await _value(engine, dialect.geo_distance("NULL", "52.52", "2.35", "48.86")) is None

    async def test_insertion_order(self, engine: Engine) -> None:
        insert = f"INSERT INTO {engine.dialect.quote('kit')} (id) VALUES (?)"
        for key in "cab":
            await engine.write(lambda t, k=key: t.execute(insert, (k,)))  # type: ignore[misc]
        order = f"SELECT id FROM kit k ORDER BY {engine.dialect.row_number('k')}"
        rows: list[Row] = await engine.read(lambda c: c.fetch_all(order))
        assert rows == [("c",), ("a",), ("b",)]


async def _value(engine: Engine, expression: str, table: str = "") -> SqlValue:
    source = f" FROM {table}" if table else ""
    row = await engine.read(lambda c: c.fetch_one(f"SELECT {expression}{source}"))
    assert row is not None
    return row[0]
