"""What each generic rule accepts, and the error that a client reads."""

from __future__ import annotations

import pytest

from pbhost.errors import FieldError, tree_to_json
from pbhost.validation import (
    Rule,
    blank,
    check,
    closest,
    collect,
    each,
    equal_to,
    is_domain,
    is_email,
    is_hex_color,
    is_host,
    is_ip_or_subnet,
    is_url,
    length,
    match,
    maximum,
    minimum,
    nil,
    nil_or_not_empty,
    not_in,
    number_text,
    one_of,
    required,
)

ACCEPTED: list[tuple[Rule, list[object]]] = [
    (required, ["x", [1], 1, True, {"a": 1}]),
    (blank, ["", 0, None, [], False]),
    (nil, [None]),
    (nil_or_not_empty, [None, "x"]),
    (length(2, 4), ["", "ab", "abcd", "éé", [1, 2]]),
    (length(0, 3), ["", "abc"]),
    (length(3, 0), ["", "abc", "a" * 999]),
    (minimum(3), [0, 3, 4.5, None, ""]),
    (maximum(3), [0, 3, -1]),
    (one_of(["a", "b"]), ["", "a"]),
    (not_in(["a"]), ["", "b"]),
    (match(r"^\w+$"), ["", "a_1"]),
    (is_email, ["", "a@b.co", "a.b+c@sub.example.com", "ü@exämple.de", "a@b.co.", '"x"@b.co', "a@b_c.co"]),
    (
        is_url,
        ["http://a", "https://a.b/c?d=e#f", "a.bc", "localhost:80", "http://[::1]:8080/x", "ws://u:p@h", "1.2.3.4"],
    ),
    (is_host, ["localhost", "a.b.c", "127.0.0.1", "::1", "smtp.example.com"]),
    (is_domain, ["a.com", "sub.a-b.org"]),
    (is_hex_color, ["#fff", "#1055c9", "FFF"]),
    (is_ip_or_subnet, ["", "1.2.3.4", "::1", "10.0.0.1/8", "fe80::/10"]),
]

REFUSED: list[tuple[Rule, list[object], str]] = [
    (required, ["", "  ", None, [], 0, False], "validation_required"),
    (blank, ["x", 1], "validation_empty"),
    (nil, ["", 0], "validation_nil"),
    (nil_or_not_empty, ["", []], "validation_nil_or_not_empty_required"),
    (length(2, 4), ["a", "abcde", "ééé", [1]], "validation_length_out_of_range"),
    (length(0, 3), ["abcd"], "validation_length_too_long"),
    (length(3, 0), ["ab"], "validation_length_too_short"),
    (length(3, 3), ["ab"], "validation_length_invalid"),
    (minimum(3), [1, -2], "validation_min_greater_equal_than_required"),
    (maximum(3), [4], "validation_max_less_equal_than_required"),
    (one_of(["a"]), ["A", 1], "validation_in_invalid"),
    (not_in(["a"]), ["a"], "validation_not_in_invalid"),
    (match(r"^\w+$"), ["a b", "ü"], "validation_match_invalid"),
    (is_email, ["a", "a@localhost", ".a@b.co", "a..b@c.de", '"xy"@b.co', "a@b.1", "a@-b.co"], "validation_is_email"),
    (
        is_url,
        ["abc", "test", ".a.b", "HTTP://a.b", "x://a.b", "http://", "http://a b", "http://a:123456"],
        "validation_is_url",
    ),
    (is_host, ["a b", "-a", "a/b"], "validation_is_host"),
    (is_domain, ["localhost", "a_b.com", "a.1"], "validation_is_domain"),
    (is_hex_color, ["#12", "red", "#gggggg"], "validation_is_hex_color"),
    (is_ip_or_subnet, ["1.2.3", "a", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/-1"], "validation_invlaid_ip_or_subnet"),
]


@pytest.mark.parametrize(("rule", "value"), [(rule, value) for rule, values in ACCEPTED for value in values])
def test_a_good_value_passes(rule: Rule, value: object) -> None:
    assert rule(value) is None


@pytest.mark.parametrize(
    ("rule", "value", "code"), [(r, value, code) for r, values, code in REFUSED for value in values]
)
def test_a_bad_value_gets_the_code(rule: Rule, value: object, code: str) -> None:
    error = rule(value)
    assert error is not None
    assert error.code == code


@pytest.mark.parametrize(
    ("error", "message", "params"),
    [
        (length(1, 300)("x" * 301), "The length must be between 1 and 300.", {"min": 1, "max": 300}),
        (length(0, 50)([1] * 51), "The length must be no more than 50.", {"min": 0, "max": 50}),
        (length(8, 0)("x"), "The length must be no less than 8.", {"min": 8, "max": 0}),
        (length(10, 10)("x"), "The length must be exactly 10.", {"min": 10, "max": 10}),
        (minimum(1000000.0)(5), "Must be no less than 1e+06.", {"threshold": 1000000.0}),
        (maximum(9)(10), "Must be no greater than 9.", {"threshold": 9}),
    ],
)
def test_messages_and_params(error: FieldError | None, message: str, params: dict[str, object]) -> None:
    assert error is not None
    assert error.to_json()["message"] == message
    assert error.to_json()["params"] == params


def test_the_first_failing_rule_of_a_key_wins() -> None:
    error = check("", required, is_email)
    assert error is not None
    assert error.code == "validation_required"


def test_list_errors_have_the_index_as_key() -> None:
    tree = collect({"ips": each(["1.1.1.1", "x", ""], required, is_ip_or_subnet), "name": None, "other": {}})
    data = tree_to_json(tree)
    assert set(data) == {"ips"}
    assert list(data["ips"]) == ["1", "2"]  # type: ignore[arg-type]  # a dict by construction


def test_equal_to_compares_empty_values_too() -> None:
    assert equal_to("a")("a") is None
    error = equal_to("a")("")
    assert error is not None
    assert error.code == "validation_values_mismatch"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "5"),
        (5.0, "5"),
        (12.5, "12.5"),
        (1e6, "1e+06"),
        (1234567.5, "1.2345675e+06"),
        (0.00001, "1e-05"),
        (-0.5, "-0.5"),
        (0.0, "0"),
    ],
)
def test_numbers_in_messages(value: float, text: str) -> None:
    assert number_text(value) == text


def test_the_nearest_known_name_is_suggested() -> None:
    assert closest("orgins", ["origins", "workers"]) == "origins"
    assert closest("zzz", ["origins", "workers"]) is None
