"""Limits that are always on."""

from __future__ import annotations

from builtin_auth.throttle import AttemptWindow, Cooldown


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_five_attempts_then_none_until_the_window_ends() -> None:
    clock = Clock()
    window = AttemptWindow(5, 180, clock)
    assert [window.allow("a") for _ in range(6)] == [True] * 5 + [False]
    assert window.allow("b")
    clock.now = 179
    assert not window.allow("a")
    clock.now = 180
    assert window.allow("a")


def test_attempts_are_forgotten_on_reset() -> None:
    window = AttemptWindow(1, 180, Clock())
    window.allow("a")
    window.reset()
    assert window.allow("a")


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
