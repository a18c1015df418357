"""User patterns: the RE2 dialect, and random texts that fit a pattern."""

from __future__ import annotations

import pytest
from builtin_records.autogenerate import UnsupportedPattern, generate
from builtin_records.patterns import InvalidPattern, compile_pattern, matches


@pytest.mark.parametrize(
    ("pattern", "value", "found"),
    [
        (r"^\d+$", "123", True),
        (r"^\d+$", "123\n", False),
        (r"^\d+$", "٣", False),
        (r"^\w+$", "é", False),
        ("b", "abc", True),
        (r"^.$", "é", True),
        (r"^\pL+$", "éa", True),
        ("x", "\ud800", False),
    ],
)
def test_matching(pattern: str, value: str, found: bool) -> None:
    assert matches(pattern, value) is found


@pytest.mark.parametrize("pattern", ["(", "a(?=b)", r"(a)\1", "[z-a]", "*", r"\C", "a{1001}", "(((a{100}){100}){100})"])
def test_refused_patterns(pattern: str) -> None:
    with pytest.raises(InvalidPattern):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "shape"),
    [
        ("[a-z0-9]{15}", "^[a-z0-9]{15}$"),
        ("users[0-9]{5}", "^users[0-9]{5}$"),
        (r"[A-F]{2,4}-\d+", r"^[A-F]{2,3}-\d{1,5}$"),
        ("a{2,}b*", "^a{2,5}b{0,5}$"),
        ("a?b", "^b$"),
        ("c{0,1}d", "^d$"),
        ("(?:x|yy|z)w", "^(x|yy|z)w$"),
        ("(?P<n>[[:upper:]])(?i)q", "^[A-Z]q$"),
        (r"\Qa.b\E\x41\x{1F600}\n", "^a\\.bA\U0001f600\n$"),
        (r"[\w\-.]{8}", r"^[\w\-.]{8}$"),
        ("[^a]", "^[^a]$"),
        (".{6}", "^[A-Za-z0-9]{6}$"),
        ("a{,2}", r"^a\{,2\}$"),
        ("[]a]{3}", r"^[]a]{3}$"),
    ],
)
def test_generated_text_fits(pattern: str, shape: str) -> None:
    for _ in range(30):
        assert matches(shape, generate(pattern)), pattern


@pytest.mark.parametrize("pattern", ["^a$", r"\bx", "()", "a|", "(", r"\pL", "(?:)", r"a\z"])
def test_nothing_to_generate(pattern: str) -> None:
    with pytest.raises(UnsupportedPattern):
        generate(pattern)
