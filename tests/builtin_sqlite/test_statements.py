"""Scripts are split where SQLite would, and statements that end a transaction are known."""

import pytest
from builtin_sqlite.statements import first_word, is_forbidden, split


@pytest.mark.parametrize(
    ("script", "statements"),
    [
        ("", []),
        (" ; ;; -- nothing\n/* at all */", []),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT ';'; SELECT 2;", ["SELECT ';';", "SELECT 2;"]),
        ("SELECT 1; -- a; b\nSELECT 2", ["SELECT 1;", "-- a; b\nSELECT 2"]),
        ('SELECT ";""" /* ; */ ; SELECT 2', ['SELECT ";""" /* ; */ ;', "SELECT 2"]),
        (
            "CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM a; DELETE FROM b; END; SELECT 1;",
            ["CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM a; DELETE FROM b; END;", "SELECT 1;"],
        ),
        ("SELECT 'open; SELECT 2;", ["SELECT 'open; SELECT 2;"]),
    ],
)
def test_split(script: str, statements: list[str]) -> None:
    assert split(script) == statements


@pytest.mark.parametrize(
    ("statement", "word", "forbidden"),
    [
        ("select 1", "SELECT", False),
        ("  /* x */ -- y\n commit", "COMMIT", True),
        ("Rollback to x", "ROLLBACK", True),
        ("vacuum into 'x'", "VACUUM", True),
        ("attach 'x' as y", "ATTACH", True),
        ("(select 1)", "(", False),
    ],
)
def test_first_word(statement: str, word: str, forbidden: bool) -> None:
    assert first_word(statement) == word
    assert is_forbidden(statement) is forbidden
