"""How the console reads a text and shows values."""

from __future__ import annotations

import pytest
from builtin_operations.sql_console import statements, value_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select 1", ["select 1"]),
        ("select 1;", ["select 1"]),
        ("select ';'; select 2", ["select ';'", "select 2"]),
        ("select 'it''s;' ;;; select 2", ["select 'it''s;'", "select 2"]),
        ('select ";" as `a;b`', ['select ";" as `a;b`']),
        ("select 1 -- a; b\n; select 2", ["select 1 -- a; b", "select 2"]),
        ("/* ; */ select 1", ["/* ; */ select 1"]),
        ("-- nothing", []),
        ("select 'open ; quote", ["select 'open", "quote"]),
        ("", []),
    ],
)
def test_a_text_is_split_into_statements(text: str, expected: list[str]) -> None:
    assert list(statements(text)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, None), (5, "5"), (1.0, "1"), (1.5, "1.5"), (1e21, "1e+21"), ("x", "x"), (b"\xff", "\ufffd")],
)
def test_a_value_is_shown_as_text(value: object, expected: str | None) -> None:
    assert value_text(value) == expected  # type: ignore[arg-type]  # a table of all kinds of values
