"""The default database engine: SQLite over aiosqlite, in PocketBase's files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builtin_sqlite.config import CONFIG_SCHEMA, SqliteOptions
from pbhost import hookimpl

if TYPE_CHECKING:
    from pbhost.app import App
    from pbhost.database import Engine
    from pbhost.services import Check


class SqlitePlugin:
    """The built-in ``sqlite`` plugin."""

    CONFIG_SCHEMA = CONFIG_SCHEMA

    @hookimpl
    def provide_database(self, app: App) -> Engine:
        """``data.db`` of the data directory, with ``auxiliary.db`` beside it."""
        from builtin_sqlite.service import SqliteEngine

        options = SqliteOptions.from_config(app.config, app.options("sqlite"))
        auxiliary = SqliteEngine(str(app.config.dir / "auxiliary.db"), options, role="auxiliary")
        return SqliteEngine(str(app.config.dir / "data.db"), options, auxiliary=auxiliary)

    @hookimpl
    def register_checks(self, app: App) -> list[Check]:
        """The files, the log, the feed."""
        from builtin_sqlite.checks import database_checks

        return database_checks(app)


#: The class: each application gets an instance of its own, for it holds that application's services.
plugin = SqlitePlugin
