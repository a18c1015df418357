"""Limits that are always on."""

from __future__ import annotations

from builtin_auth.throttle import Cooldown


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_cooldown_ends_by_itself_or_is_lifted() -> None:
    clock = Clock()
    cooldown = Cooldown(120, clock)
    assert not cooldown.is_active("a")
    cooldown.begin("a")
    assert cooldown.is_active("a")
    clock.now = 120
    assert not cooldown.is_active("a")
    cooldown.begin("a")
    cooldown.lift("a")
    assert not cooldown.is_active("a")
