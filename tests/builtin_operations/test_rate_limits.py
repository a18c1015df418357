"""Which rule decides about a request, and when a client is refused."""

from __future__ import annotations

import pytest
from builtin_operations.limits.rules import RateLimitRule, RuleTable
from builtin_operations.limits.window import FixedWindows


def rule(label: str, audience: str = "") -> RateLimitRule:
    return RateLimitRule(label, audience, 10, 5)


def find(rules: list[RateLimitRule], labels: list[str], authenticated: bool = False) -> str | None:
    found = RuleTable(rules).find(labels, authenticated)
    return None if found is None else f"{found.label}{found.audience}"


LOGIN = [
    "users:authWithPassword",
    "users:auth",
    "*:authWithPassword",
    "*:auth",
    "POST /api/collections/users/auth-with-password",
    "/api/collections/users/auth-with-password",
]


@pytest.mark.parametrize(
    ("rules", "labels", "authenticated", "expected"),
    [
        ([rule("*:auth"), rule("users:auth")], LOGIN, False, "users:auth"),
        ([rule("/api/"), rule("*:auth")], LOGIN, False, "*:auth"),
        ([rule("/api/")], LOGIN, False, "/api/"),
        ([rule("/api/collections/users/auth-with-password/")], LOGIN, False, LOGIN[-1] + "/"),
        ([rule("/api")], LOGIN, False, None),
        ([rule("*:auth", "@auth"), rule("/api/")], LOGIN, False, "/api/"),
        ([rule("*:auth", "@auth"), rule("*:auth", "@guest")], LOGIN, False, "*:auth@guest"),
        ([rule("*:auth", "@auth"), rule("*:auth", "@guest")], LOGIN, True, "*:auth@auth"),
        ([rule("GET /a/"), rule("/a/b")], ["GET /a/b", "/a/b"], False, "GET /a/"),
        ([rule("/a/"), rule("/a/b")], ["GET /a/b", "/a/b"], False, "/a/b"),
        ([], LOGIN, False, None),
    ],
)
def test_one_rule_decides(
    rules: list[RateLimitRule], labels: list[str], authenticated: bool, expected: str | None
) -> None:
    assert find(rules, labels, authenticated) == expected


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_window_starts_with_the_first_request_and_rejections_do_not_extend_it() -> None:
    clock = Clock()
    windows = FixedWindows(clock=clock)
    assert [windows.allow("b", "ip", 2, 10) for _ in range(3)] == [True, True, False]
    clock.now = 109.9
    assert not windows.allow("b", "ip", 2, 10)
    clock.now = 110.0
    assert windows.allow("b", "ip", 2, 10)


def test_clients_and_buckets_are_counted_apart() -> None:
    windows = FixedWindows()
    assert windows.allow("b", "ip1", 1, 10)
    assert windows.allow("b", "ip2", 1, 10)
    assert windows.allow("c", "ip1", 1, 10)
    assert not windows.allow("b", "ip1", 1, 10)


def test_memory_is_bounded_and_ended_windows_can_be_purged() -> None:
    clock = Clock()
    windows = FixedWindows(capacity=10, clock=clock)
    for number in range(50):
        windows.allow("b", str(number), 1, 10)
    assert len(windows) == 10
    clock.now += 10
    assert windows.purge() == 10
    assert len(windows) == 0
