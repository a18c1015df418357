"""Passwords: what is accepted, what is refused, and when a hash is replaced."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator

import bcrypt
import pytest
from builtin_auth.errors import HasherBusy
from builtin_auth.hashing import HashingOptions, PasswordHasher

FAST = HashingOptions(memory_kib=64, passes=1)


@pytest.fixture
async def hasher() -> AsyncIterator[PasswordHasher]:
    made = PasswordHasher(FAST)
    yield made
    await made.stop()


def bcrypt_hash(password: bytes, prefix: bytes = b"2b") -> str:
    return bcrypt.hashpw(password, bcrypt.gensalt(4)).replace(b"$2b$", b"$" + prefix + b"$", 1).decode()


async def test_new_hashes_are_argon2id_and_verify(hasher: PasswordHasher) -> None:
    stored = await hasher.hash("1234567890")
    assert stored.startswith("$argon2id$")
    assert await hasher.verify("1234567890", stored)
    assert not await hasher.verify("1234567891", stored)
    assert not hasher.needs_rehash(stored)


@pytest.mark.parametrize("prefix", [b"2a", b"2b", b"2y"])
async def test_bcrypt_hashes_of_any_dialect_verify_and_are_due_for_replacement(
    hasher: PasswordHasher, prefix: bytes
) -> None:
    stored = bcrypt_hash(b"1234567890", prefix)
    assert await hasher.verify("1234567890", stored)
    assert not await hasher.verify("other", stored)
    assert hasher.needs_rehash(stored)


@pytest.mark.parametrize("kind", ["bcrypt", "argon2id"])
async def test_only_the_first_72_bytes_of_a_candidate_count(hasher: PasswordHasher, kind: str) -> None:
    password = "x" * 72
    stored = bcrypt_hash(password.encode()) if kind == "bcrypt" else await hasher.hash(password)
    assert await hasher.verify(password + "more", stored)
    assert not await hasher.verify(password[:-1], stored)


@pytest.mark.parametrize("stored", ["", "plain", "$2a$10$short", "$argon2id$v=19$broken", "$unknown$abc"])
async def test_what_is_no_hash_never_verifies(hasher: PasswordHasher, stored: str) -> None:
    assert not await hasher.verify("", stored)
    assert not await hasher.verify("plain", stored)


async def test_bcrypt_can_be_kept() -> None:
    hasher = PasswordHasher(HashingOptions(algorithm="bcrypt"))
    stored = await hasher.hash("secret", cost=4)
    assert stored.startswith("$2a$04$")
    assert await hasher.verify("secret", stored)
    assert not hasher.needs_rehash(stored)
    await hasher.stop()


async def test_other_parameters_make_a_hash_due_for_replacement(hasher: PasswordHasher) -> None:
    other = PasswordHasher(HashingOptions(memory_kib=128, passes=1))
    assert hasher.needs_rehash(await other.hash("secret"))
    await other.stop()


async def test_a_full_queue_refuses_instead_of_piling_up() -> None:
    hasher = PasswordHasher(HashingOptions(memory_kib=64, passes=1, queue=2, threads=1))
    results = await asyncio.gather(*(hasher.hash("x") for _ in range(5)), return_exceptions=True)
    refused = [item for item in results if isinstance(item, HasherBusy)]
    assert len(refused) == 3
    assert refused[0].status == 429
    assert (await hasher.hash("x")).startswith("$argon2id$")
    await hasher.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="priorities of threads")
async def test_hashes_stand_back_for_the_event_loop(hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(hasher, "hash_sync", lambda *_: seen.append(_niceness()) or "")
    await hasher.hash("secret")
    assert seen[0] > _niceness()


def _niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
