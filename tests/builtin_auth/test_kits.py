"""Our own providers pass the kits that any replacement must pass."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from builtin_auth.hashing import HashingOptions, PasswordHasher

from pbhost.testing import Running, running_app
from pbhost.testing.auth_kit import AuthKit
from pbhost.testing.password_hasher_kit import PasswordHasherKit


class TestArgon2(PasswordHasherKit):
    @pytest.fixture
    async def hasher(self) -> AsyncIterator[PasswordHasher]:
        made = PasswordHasher()
        yield made
        await made.stop()


class TestBcrypt(PasswordHasherKit):
    @pytest.fixture
    async def hasher(self) -> AsyncIterator[PasswordHasher]:
        made = PasswordHasher(HashingOptions(algorithm="bcrypt"))
        yield made
        await made.stop()


class TestAuth(AuthKit):
    @pytest.fixture
    async def running(self, tmp_path: Path) -> AsyncIterator[Running]:
        async with running_app(tmp_path, block=("realtime",)) as made:
            yield made
