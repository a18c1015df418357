"""Limits that are always on and hold over all worker processes."""

from __future__ import annotations

import pytest
from builtin_auth.attempts import SharedAttempts

from pbhost.model import clock

from .conftest import Later, Site


async def test_a_window_opens_with_the_first_attempt_and_ends_by_itself(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(clock, "timestamp", lambda: now[0])
    attempts = SharedAttempts(site.app, "a", 2, 60)
    assert not await attempts.is_used_up("x", "y")
    assert [await attempts.allow("x", "y") for _ in range(3)] == [True, True, False]
    now[0] += 59.9
    assert await attempts.is_used_up("x", "y")
    assert not await attempts.is_used_up("x")
    assert not await attempts.allow("x", "y"), "what was refused does not make it longer, nor shorter"
    now[0] += 0.1
    assert not await attempts.is_used_up("x", "y")
    assert await attempts.allow("x", "y")


async def test_forgetting_concerns_one_key_resetting_one_name(site: Site, later: Later) -> None:
    first, second = SharedAttempts(site.app, "a", 1, 60), SharedAttempts(site.app, "ab", 1, 60)
    for attempts in (first, second):
        assert [await attempts.allow(key) for key in ("x", "y")] == [True, True]
    await first.forget("x")
    assert [await first.allow(key) for key in ("x", "y")] == [True, False]
    first.reset()
    await later.now()
    assert [await first.is_used_up(key) for key in ("x", "y")] == [False, False]
    assert [await second.is_used_up(key) for key in ("x", "y")] == [True, True]
