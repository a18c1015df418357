"""The lexical reading of view queries."""

from __future__ import annotations

import contextlib

import pytest
from builtin_records.viewquery import InvalidViewQuery, clean_query, parse_view_query
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("query", "columns", "sources"),
    [
        ("select id, text as t from demo", ["id", "t"], ["demo"]),
        ("SELECT DISTINCT a.id, b.`x y` z FROM demo a, other AS b", ["id", "z"], ["a=demo", "b=other"]),
        (
            "select a.id, (num + 1) n, count(x) c from demo a left outer join b on a.id = b.id cross join c where 1",
            ["id", "n", "c"],
            ["a=demo", "b", "c"],
        ),
        ("select /* , x */ id -- from nowhere\n, [b c] from [d e] as `f g`", ["id", "b c"], ["f g=d e"]),
        ("with x as (select 1 as id) select id from x group by id", ["id"], ["x"]),
        ("select id from (select 1 as id) t", ["id"], ["t="]),
        ("select id from main.demo", ["id"], ["demo="]),
        ("select id from demo join other using (id) limit 1", ["id"], ["demo", "other"]),
        ("select 'a,b' as t, \"id\" from demo order by 1", ["t", "id"], ["demo"]),
        ("select count(*) as n", ["n"], []),
        ("select cast(a as\n int) as n, id from t", ["n", "id"], ["t"]),
    ],
)
def test_columns_and_sources(query: str, columns: list[str], sources: list[str]) -> None:
    parsed = parse_view_query(clean_query(query))
    assert [column.name for column in parsed.columns] == columns
    named = [item.alias if item.alias == item.table else f"{item.alias}={item.table}" for item in parsed.sources]
    assert named == sources


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("select * from demo", "wildcard"),
        ("select a.* from demo a", "wildcard"),
        ("select num + 1 as n from demo", "invalid identifier parts"),
        ("select case when 1 then 2 end as c from demo", "invalid identifier parts"),
        ("select count (x) c from demo", 'expected "as", got (x)'),
        ("select id from a union select id from b", 'expected "as", got union'),
        ("select 1 as id; select 2 as id", "multiple statements"),
        ("insert into demo values (1)", "not a select"),
        ("", "not a select"),
    ],
)
def test_what_cannot_be_read(query: str, reason: str) -> None:
    with pytest.raises(InvalidViewQuery) as refused:
        parse_view_query(clean_query(query))
    assert reason in str(refused.value)


def test_semicolons_in_quotes_and_at_the_ends_are_harmless() -> None:
    assert clean_query("; select ';' as id ;\n;") == "select ';' as id"


@given(st.text(alphabet="select from as join(),.*`'\"[]-/\n;idab1", max_size=120))
def test_no_text_breaks_it(text: str) -> None:
    with contextlib.suppress(InvalidViewQuery):
        parse_view_query(clean_query(text))


@pytest.mark.parametrize("text", ["select cast(" + " " * 90_000, "select " + "(" * 99_000, "select " + "a," * 49_000])
def test_a_hostile_query_ends_soon(text: str) -> None:
    """A scan that goes back over such a text would take minutes."""
    with contextlib.suppress(InvalidViewQuery):
        parse_view_query(clean_query(text))
