"""Password hashing: argon2id for new hashes, bcrypt verified (and kept on request), on threads of its own.

Hashing is the one CPU-bound thing a sign-in does. It runs on ``cores - 1`` threads that stand back for others, so that
other requests keep their share of the machine, and its queue is bounded so that a flood of sign-ins is refused instead
of piling up.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from builtin_auth.errors import HasherBusy

T = TypeVar("T")

# bcrypt reads no more than 72 bytes of a password. argon2id hashes are made of the same 72 bytes, so that a
# candidate is accepted or refused alike before and after its hash was upgraded.
MAX_PASSWORD_BYTES = 72

# A third of the weight of a thread that has not stood back: views kept 0.9 of their rate beside sign-ins, else 0.65.
_NICENESS = 5

_BCRYPT_PREFIXES = ("$2a$", "$2b$", "$2y$")
_ARGON2_PREFIX = "$argon2id$"


@dataclass(frozen=True, slots=True)
class HashingOptions:
    """How new hashes are made; the defaults are OWASP's for argon2id (19 MiB, two passes, one lane)."""

    algorithm: str = "argon2id"
    memory_kib: int = 19 * 1024
    passes: int = 2
    lanes: int = 1
    threads: int = 0
    queue: int = 128


class PasswordHasher:
    """Hashes and verifies passwords off the event loop.

    Every method that hashes raises :class:`HasherBusy` (429) when ``options.queue`` hashes are already waiting.
    """

    def __init__(self, options: HashingOptions | None = None) -> None:
        self._options = options or HashingOptions()
        self._threads = self._options.threads or max(1, (os.cpu_count() or 1) - 1)
        self._pool: ThreadPoolExecutor | None = None
        self._pending = 0
        self._decoy: str | None = None

    async def hash(self, password: str, *, cost: int = 0) -> str:
        """The hash to store for ``password``; ``cost`` is the bcrypt cost (0: 10) where bcrypt is kept."""
        return await self._run(lambda: self.hash_sync(password, cost))

    async def verify(self, password: str, stored: str) -> bool:
        """Whether ``password`` is the one behind ``stored``; an empty, foreign or damaged hash never verifies.

        An empty hash costs as much as a real one, so that the time of an answer does not tell whether there is one.
        """
        return await self._run(lambda: self._verify(password, stored))

    def needs_rehash(self, stored: str) -> bool:
        """Whether a verified ``stored`` should be replaced by a new hash of the configured kind."""
        if not stored or self._options.algorithm == "bcrypt":
            return False
        if not stored.startswith(_ARGON2_PREFIX):
            return True
        from argon2 import extract_parameters
        from argon2.exceptions import InvalidHashError

        try:
            made = extract_parameters(stored)
        except InvalidHashError:
            return False
        wanted = self._options
        return (made.memory_cost, made.time_cost, made.parallelism) != (
            wanted.memory_kib,
            wanted.passes,
            wanted.lanes,
        )

    def hash_sync(self, password: str, cost: int = 0) -> str:
        """:meth:`hash` in the calling thread, for callers that are on a thread of their own already."""
        secret = _truncated(password)
        if self._options.algorithm == "bcrypt":
            import bcrypt

            return bcrypt.hashpw(secret, bcrypt.gensalt(cost or 10, prefix=b"2a")).decode("ascii")
        from argon2 import PasswordHasher as Argon2

        options = self._options
        return Argon2(time_cost=options.passes, memory_cost=options.memory_kib, parallelism=options.lanes).hash(secret)

    def verify_sync(self, password: str, hashed: str) -> bool:
        """:meth:`verify` in the calling thread."""
        secret = _truncated(password)
        if hashed.startswith(_BCRYPT_PREFIXES):
            import bcrypt

            try:
                return bcrypt.checkpw(secret, hashed.encode("utf-8", "replace"))
            except ValueError:
                return False
        if hashed.startswith(_ARGON2_PREFIX):
            from argon2 import PasswordHasher as Argon2
            from argon2.exceptions import Argon2Error, InvalidHashError

            try:
                return Argon2().verify(hashed, secret)
            except (Argon2Error, InvalidHashError):
                return False
        return False

    async def start(self) -> None:
        """Nothing to do: threads are started by the first hash."""

    async def stop(self) -> None:
        """End the threads; hashes that have begun are finished first."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _verify(self, password: str, stored: str) -> bool:
        if stored:
            return self.verify_sync(password, stored)
        self.verify_sync(password, self._decoy_hash())
        return False

    def _decoy_hash(self) -> str:
        if self._decoy is None:
            self._decoy = self.hash_sync("decoy")
        return self._decoy

    async def _run(self, work: Callable[[], T]) -> T:
        if self._pending >= self._options.queue:
            raise HasherBusy()
        if self._pool is None:
            self._pool = ThreadPoolExecutor(
                self._threads, thread_name_prefix="pbhost-hash", initializer=_stand_back_for_others
            )
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._pending -= 1


def _stand_back_for_others() -> None:
    """Let the event loop go first where there are more threads than cores. Elsewhere priorities are of processes."""
    if sys.platform == "linux":
        with suppress(OSError):
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _NICENESS)


def _truncated(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")[:MAX_PASSWORD_BYTES]
