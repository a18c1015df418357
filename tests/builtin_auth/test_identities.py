"""The identity cache: every reason for which a token must not be believed any longer."""

from __future__ import annotations

from typing import cast

import pytest
from builtin_auth import identities
from builtin_auth.identities import IdentityCache

from pbhost.model import Collection, Record


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def record(id_: str = "r1") -> Record:
    made = Record(Collection(id="c1", name="users", type="auth"))
    made.put("id", id_)
    return made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> IdentityCache:
    made = IdentityCache(clock)
    made.put("t", record(), 1, None, made.epoch)
    return made


def test_a_verified_token_is_remembered(cache: IdentityCache) -> None:
    assert cast(Record, cache.get("t", 1)).id == "r1"


def test_each_request_gets_a_copy_of_its_own(cache: IdentityCache) -> None:
    first = cast(Record, cache.get("t", 1))
    first.put("id", "changed")
    assert cast(Record, cache.get("t", 1)).id == "r1"


def test_a_changed_record_ends_its_tokens_only(cache: IdentityCache) -> None:
    cache.put("other", record("r2"), 1, None, cache.epoch)
    cache.forget("c1", "r1")
    assert cache.get("t", 1) is None
    assert cache.get("other", 1) is not None


def test_a_changed_schema_ends_all(cache: IdentityCache) -> None:
    assert cache.get("t", 2) is None


def test_the_expiry_of_the_token_ends_it(clock: Clock) -> None:
    cache = IdentityCache(clock)
    cache.put("t", record(), 1, clock.now + 2, cache.epoch)
    clock.now += 2
    assert cache.get("t", 1) is None


def test_no_entry_outlives_its_bound(cache: IdentityCache, clock: Clock) -> None:
    clock.now += identities.SECONDS
    assert cache.get("t", 1) is None
    assert len(cache) == 0


def test_a_record_that_changed_while_it_was_read_is_not_remembered(cache: IdentityCache) -> None:
    epoch = cache.epoch
    cache.forget("c1", "r9")
    cache.put("late", record("r9"), 1, None, epoch)
    assert cache.get("late", 1) is None
    cache.put("unrelated", record("r8"), 1, None, epoch)
    assert cache.get("unrelated", 1) is not None


def test_clearing_while_a_record_is_read_is_not_undone(cache: IdentityCache) -> None:
    epoch = cache.epoch
    cache.clear()
    cache.put("late", record(), 1, None, epoch)
    assert cache.get("late", 1) is None


def test_the_cache_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identities, "LIMIT", 3)
    cache = IdentityCache(clock)
    for index in range(10):
        cache.put(f"t{index}", record(f"r{index}"), 1, None, cache.epoch)
        cache.forget("c1", f"gone{index}")
    assert len(cache) == 3
    assert cache.get("t9", 1) is not None


def test_a_clock_that_is_set_back_does_not_make_it_last_longer(cache: IdentityCache, clock: Clock) -> None:
    clock.now -= 3600
    assert cache.get("t", 1) is None
