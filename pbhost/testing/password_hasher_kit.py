"""What every password hasher must do: subclass :class:`PasswordHasherKit` in a test module and give it a ``hasher``.

::

    class TestMyHasher(PasswordHasherKit):
        @pytest.fixture
        def hasher(self):
            return MyHasher()
"""

from __future__ import annotations

import asyncio

import pytest

from pbhost.services import PasswordHasher


class PasswordHasherKit:
    """The tests that any provider of ``provide_password_hasher`` must pass."""

    async def test_a_password_verifies_against_its_hash_only(self, hasher: PasswordHasher) -> None:
        stored = await hasher.hash("correct horse")
        assert await hasher.verify("correct horse", stored)
        assert not await hasher.verify("correct horsf", stored)
        assert not await hasher.verify("", stored)

    async def test_the_hash_tells_nothing_of_the_password(self, hasher: PasswordHasher) -> None:
        first, second = await hasher.hash("correct horse"), await hasher.hash("correct horse")
        assert first != second
        assert "correct" not in first

    async def test_a_new_hash_is_not_due_for_replacement(self, hasher: PasswordHasher) -> None:
        assert not hasher.needs_rehash(await hasher.hash("correct horse"))

    @pytest.mark.parametrize("stored", ["", "correct horse", "$2a$10$short", "$argon2id$v=19$broken"])
    async def test_what_is_no_hash_never_verifies(self, hasher: PasswordHasher, stored: str) -> None:
        assert not await hasher.verify("correct horse", stored)
        assert not await hasher.verify("", stored)

    @pytest.mark.parametrize("password", ["ü" * 36, "x" * 72, "a\x00b", " spaces ", "密码"])
    async def test_any_text_is_a_password(self, hasher: PasswordHasher, password: str) -> None:
        assert await hasher.verify(password, await hasher.hash(password))

    async def test_the_hash_fits_the_column_as_text(self, hasher: PasswordHasher) -> None:
        stored = await hasher.hash("correct horse")
        assert stored.isascii()
        assert 0 < len(stored) <= 255

    async def test_hashing_leaves_the_event_loop_free(self, hasher: PasswordHasher) -> None:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counter = asyncio.ensure_future(count())
        await hasher.hash("correct horse")
        counter.cancel()
        assert turns > 1
