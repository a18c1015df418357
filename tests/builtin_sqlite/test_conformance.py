"""The engine passes the kit that any replacement has to pass."""

from pathlib import Path

from builtin_sqlite.service import SqliteEngine

from pbhost.database import Engine
from pbhost.testing.database_kit import DatabaseKit


class TestSqlite(DatabaseKit):
    def make_engine(self, directory: Path) -> Engine:
        auxiliary = SqliteEngine(str(directory / "auxiliary.db"), role="auxiliary")
        return SqliteEngine(str(directory / "data.db"), auxiliary=auxiliary)
