"""The index in a file of its own beside the database: SQLite's full-text search, FTS5."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from pbhost_search_index.provider import Document, Hit, IndexState, Key, SearchError

T = TypeVar("T")
FILE = "search_index.db"
_BUSY_SECONDS = 10.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (id INTEGER PRIMARY KEY, collection TEXT NOT NULL, record TEXT NOT NULL,
    UNIQUE (collection, record));
CREATE VIRTUAL TABLE IF NOT EXISTS documents USING fts5 (body, tokenize = 'unicode61 remove_diacritics 2');
CREATE TABLE IF NOT EXISTS state (only INTEGER PRIMARY KEY CHECK (only = 1), position INTEGER NOT NULL,
    layout TEXT NOT NULL);
"""
_SEARCH = """
SELECT keys.collection, keys.record, -bm25(documents) FROM documents JOIN keys ON keys.id = documents.rowid
WHERE documents MATCH ? AND keys.collection IN (SELECT value FROM json_each(?)) ORDER BY rank, keys.id LIMIT ? OFFSET ?
"""


class Fts5Index:
    """One file for all processes of the server."""

    is_shared = True

    def __init__(self, path: Path) -> None:
        self._path = path
        # One thread each, so that searches go on while documents are written.
        self._writer = _Lane(path)
        self._reader = _Lane(path)

    async def open(self) -> None:
        """Creates the file if it is missing; one that is no database is made anew, for it is only a copy."""
        try:
            await self._writer.run(lambda connection: connection.executescript(_SCHEMA))
        except SearchError as error:
            code = getattr(error.__cause__, "sqlite_errorcode", 0)
            if code not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise
            await self._writer.remove()
            await self._writer.run(lambda connection: connection.executescript(_SCHEMA))

    async def close(self) -> None:
        """Ends both threads."""
        await self._reader.close()
        await self._writer.close()

    async def state(self) -> IndexState | None:
        """From the file, for another process may have moved it."""
        rows = await self._writer.run(
            lambda connection: connection.execute("SELECT position, layout FROM state").fetchall()
        )
        return IndexState(int(rows[0][0]), str(rows[0][1])) if rows else None

    async def apply(self, documents: Sequence[Document], gone: Sequence[Key], position: int) -> None:
        """In one transaction."""

        def write(connection: sqlite3.Connection) -> None:
            with _transaction(connection):
                for key in (*gone, *(document.key for document in documents)):
                    _forget(connection, key)
                _add(connection, documents)
                connection.execute("UPDATE state SET position = ?", (position,))

        await self._writer.run(write)

    async def replace(self, batches: AsyncIterator[Sequence[Document]], state: IndexState) -> None:
        """In one transaction, however long it takes."""

        def begin(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM documents")
            connection.execute("DELETE FROM keys")

        def end(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM state")
            connection.execute("INSERT INTO state VALUES (1, ?, ?)", (state.position, state.layout))
            connection.execute("COMMIT")

        async with self._writer.held():
            try:
                await self._writer.run_held(begin)
                async for batch in batches:
                    await self._writer.run_held(partial(_add, documents=batch))
                await self._writer.run_held(end)
            except BaseException:
                await self._writer.run_held(_roll_back)
                raise

    async def search(self, words: Sequence[str], collections: Sequence[str], *, limit: int, offset: int) -> list[Hit]:
        """Words are quoted, so that nothing in them is an operator of FTS5's query language."""
        quoted = ['"' + word.replace('"', '""') + '"' for word in words]
        query = " ".join(quoted) + "*"
        rows = await self._reader.run(
            lambda connection: connection.execute(
                _SEARCH, (query, json.dumps(list(collections)), limit, offset)
            ).fetchall()
        )
        return [Hit((str(collection), str(record)), float(score)) for collection, record, score in rows]


class _Lane:
    """One connection with its thread, opened on first use."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="search-index")
        self._connection: sqlite3.Connection | None = None
        self._lock = asyncio.Lock()

    async def run(self, function: Callable[[sqlite3.Connection], T]) -> T:
        async with self._lock:
            return await self.run_held(function)

    def held(self) -> asyncio.Lock:
        """For several steps that nobody else may come between: with :meth:`run_held`."""
        return self._lock

    async def run_held(self, function: Callable[[sqlite3.Connection], T]) -> T:
        def call() -> T:
            if self._connection is None:
                self._connection = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)
                self._connection.execute("PRAGMA journal_mode = WAL")
            return function(self._connection)

        try:
            # Shielded, because the thread goes on with a call that its caller gave up.
            return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, call))
        except sqlite3.Error as error:
            raise SearchError(f"the search index: {error}") from error

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)

    async def remove(self) -> None:
        """Closes and deletes the file."""

        def remove() -> None:
            self._close()
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self._path}{suffix}").unlink(missing_ok=True)

        await asyncio.get_running_loop().run_in_executor(self._thread, remove)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        _roll_back(connection)
        raise


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _add(connection: sqlite3.Connection, documents: Sequence[Document]) -> None:
    for document in documents:
        id_ = connection.execute("INSERT INTO keys (collection, record) VALUES (?, ?)", document.key).lastrowid
        connection.execute("INSERT INTO documents (rowid, body) VALUES (?, ?)", (id_, document.text))


def _forget(connection: sqlite3.Connection, key: Key) -> None:
    row = connection.execute("SELECT id FROM keys WHERE collection = ? AND record = ?", key).fetchone()
    if row is not None:
        connection.execute("DELETE FROM documents WHERE rowid = ?", row)
        connection.execute("DELETE FROM keys WHERE id = ?", row)
