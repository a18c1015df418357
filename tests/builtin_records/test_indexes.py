"""Reading CREATE INDEX texts and writing their canonical form."""

from __future__ import annotations

import pytest
from builtin_records.indexes import parse_index, unique_column_index
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("create index idx on t (a)", "CREATE INDEX `idx` ON `t` (`a`)"),
        (
            "CREATE UNIQUE INDEX `idx_pair` ON `posts` (author, slug COLLATE NOCASE desc)",
            "CREATE UNIQUE INDEX `idx_pair` ON `posts` (\n  `author`,\n  `slug` COLLATE NOCASE DESC\n)",
        ),
        (
            "create\n unique  index IF not exists [main].'x'\non \"t\"( lower(a), b ) where a != 'x)' ;",
            "CREATE UNIQUE INDEX IF NOT EXISTS `main`.`x` ON `t` (\n  lower(a),\n  `b`\n) WHERE a != 'x)'",
        ),
        (
            "create index i on t (json_extract(a, '$.b,c') desc)",
            "CREATE INDEX `i` ON `t` (json_extract(a, '$.b,c') DESC)",
        ),
        ("create index i on t (a ASC)", "CREATE INDEX `i` ON `t` (`a` ASC)"),
    ],
)
def test_canonical_text(text: str, canonical: str) -> None:
    index = parse_index(text)
    assert index.canonical() == canonical
    assert parse_index(canonical) == index


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "create index on t (a)",
        "create index i on t",
        "create index i on t ()",
        "create index i on `` (a)",
        "create index i on t (a",
        "create index i on t (a) whatever",
        "drop index i",
        "create index " + "(" * 50_000,
    ],
)
def test_unreadable_texts(text: str) -> None:
    index = parse_index(text)
    assert not index.is_valid
    assert index.canonical() == ""


def test_a_unique_index_is_found_by_its_single_column() -> None:
    texts = [
        "create index a on t (email)",
        "create unique index b on t (email, name)",
        "create unique index c on t (`EMAIL` collate nocase) where email != ''",
    ]
    found = unique_column_index(texts, "email")
    assert found is not None
    assert found.name == "c"
    assert unique_column_index(texts, "name") is None


@given(st.text(alphabet="create unique index on t(a,b)`'\" where;\n", max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    index = parse_index(text)
    if index.is_valid:
        assert parse_index(index.canonical()).canonical() == index.canonical()


@pytest.mark.parametrize("text", ["create index " + "on" * 10_000, "create index i on t (a" + " " * 50_000 + "b)"])
def test_a_hostile_text_ends_soon(text: str) -> None:
    """A pattern that goes back over such a text would take minutes."""
    parse_index(text)
