"""What a submitted value becomes: the casting table of the contract."""

from __future__ import annotations

import math

import pytest
from builtin_records.casting import to_bool, to_list, to_number, to_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (True, "true"),
        (False, "false"),
        (5, "5"),
        (5.0, "5"),
        (-1.5, "-1.5"),
        (1e21, "1000000000000000000000"),
        (1e-7, "0.0000001"),
        (12345678901234567890, "12345678901234567000"),
        (10**400, "0"),
        (None, ""),
        ([1], ""),
        ({"a": 1}, ""),
    ],
)
def test_text_of_a_value(value: object, text: str) -> None:
    assert to_text(value) == text


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("12", 12),
        ("-1.5e3", -1500),
        (".5", 0.5),
        ("5.", 5),
        ("1_000", 1000),
        ("1__0", 0),
        ("_1", 0),
        ("0x10", 0),
        ("0x1p4", 16),
        ("0X1.8P1", 3),
        (" 5", 0),
        ("5 ", 0),
        ("5\n", 0),
        ("٣", 0),
        ("1e999", 0),
        ("0x1p99999", 0),
        ("inf", math.inf),
        ("-Infinity", -math.inf),
        ("abc", 0),
        ("", 0),
        (True, 1),
        (None, 0),
        ([5], 0),
        ({"a": 5}, 0),
        (10**400, 0),
        ("1" * 2000, 0),
    ],
)
def test_number_of_a_value(value: object, number: float) -> None:
    assert to_number(value) == number


def test_nan_text_is_nan() -> None:
    assert math.isnan(to_number("NaN"))


@pytest.mark.parametrize("value", ["1", "t", "T", "TRUE", "true", "True", 1, -0.5, True])
def test_true_values(value: object) -> None:
    assert to_bool(value) is True


@pytest.mark.parametrize("value", ["yes", "on", "tRUE", "", "0", "2", 0, 0.0, None, [1], {"a": 1}, False])
def test_false_values(value: object) -> None:
    assert to_bool(value) is False


@pytest.mark.parametrize(
    ("value", "items"),
    [
        (None, []),
        ("", []),
        ({"a": 1}, []),
        ("a", ["a"]),
        (5, ["5"]),
        (True, ["true"]),
        (["a", "", "b", "a"], ["a", "b"]),
        (["a", 1, None, True], ["a", "1", "true"]),
        (["a", ["b"]], []),
        (["a", {"b": 1}], []),
        ('["a","b","a"]', ["a", "b"]),
        ('["a",1]', ["a", '["a",1]']),
        ("[broken", ["[broken"]),
        ("a[0]", ["a[0]"]),
        ("[" * 100_000, ["[" * 100_000]),
        ('{"a":[]}', ['{"a":[]}']),
    ],
)
def test_list_of_a_value(value: object, items: list[str]) -> None:
    assert to_list(value) == items
