"""Which files a running write may leave behind, kept so that a crash in its middle can be mended at the next start.

A key stands in the journal from before its file is written (or before a row stops naming it) until the write is over.
What a dead process left is compared with the rows: a file that no row names is deleted. It lies in the auxiliary
database because the main one's writer may be waiting for the very file that is being stored.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pbhost.database import Connection, Engine, Transaction
from pbhost.model.ids import random_text

_TABLE = "_pbhost_pending_files"
_MARK_TABLE = "_pbhost_tidied_files"
#: Where liveness of a process cannot be known, an entry counts as left behind after this many seconds.
_MAX_AGE = 24 * 3600


class Journal:
    """The pending keys of this process, and those that dead ones left."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._owner = f"{os.getpid()}:{_started(os.getpid())}:{random_text(8)}"

    async def open(self) -> None:
        """Makes the tables where they are missing."""

        def create(tx: Transaction) -> None:
            tx.execute(
                f'CREATE TABLE IF NOT EXISTS "{_TABLE}" '
                "(key TEXT NOT NULL, owner TEXT NOT NULL, created INTEGER NOT NULL, PRIMARY KEY (key, owner))"
            )
            tx.execute(f'CREATE TABLE IF NOT EXISTS "{_MARK_TABLE}" (seq INTEGER NOT NULL)')

        await self._engine.write(create)

    async def begin(self, keys: Sequence[str], now: int) -> None:
        """Notes keys; returns when that is committed. ``now`` in Unix seconds."""

        def note(tx: Transaction) -> None:
            upsert = tx.dialect.upsert(_TABLE, ["key", "owner", "created"], ["key", "owner"])
            tx.execute_many(upsert, [(key, self._owner, now) for key in keys])

        await self._engine.write(note)

    async def end(self, keys: Sequence[str]) -> None:
        """Forgets keys of this process."""
        await self._engine.write(
            lambda tx: tx.execute_many(
                f'DELETE FROM "{_TABLE}" WHERE key = ? AND owner = ?', [(key, self._owner) for key in keys]
            )
        )

    async def left_behind(self, now: int) -> list[str]:
        """Keys of processes that are gone."""

        def read(connection: Connection) -> list[tuple[object, ...]]:
            return list(connection.fetch_all(f'SELECT key, owner, created FROM "{_TABLE}" ORDER BY key'))

        rows = await self._engine.read(read, lane="list")
        return [
            str(key)
            for key, owner, created in rows
            if owner != self._owner and _is_left_behind(str(owner), now - int(str(created)))
        ]

    async def forget(self, keys: Sequence[str]) -> None:
        """Forgets keys whoever noted them."""
        await self._engine.write(
            lambda tx: tx.execute_many(f'DELETE FROM "{_TABLE}" WHERE key = ?', [(key,) for key in keys])
        )

    async def tidied(self) -> int:
        """The number of the change feed up to which the files of deleted records are gone; 0 if not known."""
        row = await self._engine.read(lambda connection: connection.fetch_one(f'SELECT max(seq) FROM "{_MARK_TABLE}"'))
        return int(str(row[0])) if row and row[0] is not None else 0

    async def mark_tidied(self, seq: int) -> None:
        """Notes that number."""

        def note(tx: Transaction) -> None:
            tx.execute(f'DELETE FROM "{_MARK_TABLE}"')
            tx.execute(f'INSERT INTO "{_MARK_TABLE}" (seq) VALUES (?)', (seq,))

        await self._engine.write(note)


def _is_left_behind(owner: str, age: int) -> bool:
    """Whether nobody will end an entry. Its age says so only where the process cannot be asked: a clock may jump."""
    is_gone = _is_gone(owner)
    return age > _MAX_AGE if is_gone is None else is_gone


def _is_gone(owner: str) -> bool | None:
    """Whether the process of an entry has ended; None where that cannot be known."""
    pid, _, rest = owner.partition(":")
    started = rest.partition(":")[0]
    if os.name == "nt" or not pid.isdigit():
        return None  # cannot be asked there without risk to the process
    if int(pid) == os.getpid():
        # The same number, but perhaps another life of it.
        return started != _started(os.getpid())
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return None
    if not started:
        return None
    # A killed process that nobody waits for (a container without an init) keeps its number and its start.
    return started != _started(int(pid)) or _is_zombie(int(pid))


def _is_zombie(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] in ("Z", "X")


def _started(pid: int) -> str:
    """When a process started, in a form that is only compared; "" where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
    # The second field is the command in parentheses and may hold anything; the start time, counted from the boot of
    # the machine, is the 22nd.
    return f"{boot}/{status.rpartition(')')[2].split()[19]}"
