"""A guard in front of a rule: always there, once, and never to be talked around."""

from __future__ import annotations

import pytest

from pbhost.model import guarded, is_guarded

CLAUSE = 'tenant = "a"'


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (None, None),
        ("", CLAUSE),
        ("  ", CLAUSE),
        (CLAUSE, CLAUSE),
        ("a = 1 || b = 1", f"{CLAUSE} && (a = 1 || b = 1\n)"),
        ("a = 1 // note", f"{CLAUSE} && (a = 1 // note\n)"),
    ],
)
def test_a_rule_is_put_behind_the_clause(rule: str | None, expected: str | None) -> None:
    assert guarded(rule, CLAUSE) == expected
    assert guarded(expected, CLAUSE) == expected


@pytest.mark.parametrize(
    "rule",
    [
        f"{CLAUSE} && (a = ')' || b = 1)",
        f'{CLAUSE} && (a = "\\")" || (b = 1 && c = 2))',
        f"{CLAUSE} && (a = 1 // )\n)",
        f'deleted = "" && ({CLAUSE}\n)',
        f'deleted = "" && ({CLAUSE} && (a = 1\n)\n)',
        f'x != "" && y = "" && ({CLAUSE} && (a = 1 || b = 1))',
    ],
)
def test_what_is_guarded_is_known(rule: str) -> None:
    assert is_guarded(rule, CLAUSE)


@pytest.mark.parametrize(
    "rule",
    [
        f"{CLAUSE} || a = 1",
        f"{CLAUSE} && a = 1",  # holds only with the clause, but not in the form that can be told without parsing
        f"{CLAUSE} && (a = 1) || (b = 1)",
        f"{CLAUSE} && (a = 1 // (\n) || (b = 1 // )\n)",
        f"({CLAUSE}) || (b = 1)",
        f"b = 1 || c = 1 && ({CLAUSE})",
        f"a = 1 && ({CLAUSE}) || (b = 1)",
        f"a = 1 && (b = 1 || {CLAUSE})",
        "a = 1 && (b = 1)",
        f"'{CLAUSE} && (a = 1)'",
        f"a = 1 // && ({CLAUSE})",
        f"a = ' && (' && b = 'c' && ({CLAUSE})",
        f"a = '\"'\" && ({CLAUSE})",
    ],
)
def test_what_is_not_guarded_is_guarded_again(rule: str) -> None:
    assert not is_guarded(rule, CLAUSE)
    assert guarded(rule, CLAUSE) == f"{CLAUSE} && ({rule}\n)"


def test_two_guards_come_to_rest() -> None:
    other = 'deleted = ""'
    rule = guarded(guarded("a = 1", CLAUSE), other)
    assert guarded(guarded(rule, CLAUSE), other) == rule
