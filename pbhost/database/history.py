"""The migrations of plugins (``register_migrations``): applied at every start, each once, in order within a plugin."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from pbhost.database.engine import Connection, Migration, Transaction
from pbhost.errors import ConfigError, DatabaseError, PluginError

if TYPE_CHECKING:
    from pbhost.app import App

TABLE: Final = "_pbhost_migrations"
#: A migration may rewrite large tables; a start that takes longer than this has gone wrong.
TIME_LIMIT: Final = 24 * 3600.0


async def apply_plugin_migrations(app: App) -> None:
    """Applies what is pending of every plugin, all or nothing.

    Several processes may start at once: what is pending is decided inside the write transaction, so one applies it.

    Raises:
        PluginError: one fails, or two of a plugin have the same name.
    """
    sets = _sets(app)
    if not sets:
        return
    if not _pending(sets, await app.db.read(_applied)):
        return
    await app.db.write(lambda transaction: _apply(transaction, sets), exclusive=True, timeout=TIME_LIMIT)


async def revert_plugin_migrations(app: App, plugin: str, count: int) -> list[str]:
    """Reverts the last migrations of a plugin, newest first; returns their names.

    Args:
        count: how many; negative for all.

    Raises:
        ConfigError: no such plugin, or it has no migrations.
        PluginError: one cannot be reverted; then none is.
    """
    migrations = _sets(app).get(plugin)
    if migrations is None:
        raise ConfigError(f"there is no plugin {plugin!r} with migrations")

    def revert(transaction: Transaction) -> list[str]:
        applied = _applied(transaction)
        names = [item for item in reversed(migrations) if (plugin, item.name) in applied]
        chosen = names if count < 0 else names[:count]
        for migration in chosen:
            if migration.down is None:
                raise PluginError(f"plugin {plugin!r}: the migration {migration.name!r} cannot be reverted")
            _run(plugin, migration.name, migration.down, transaction)
            transaction.execute(
                f"DELETE FROM {transaction.dialect.quote(TABLE)} WHERE plugin = ? AND name = ?",
                (plugin, migration.name),
            )
        return [item.name for item in chosen]

    return await app.db.write(revert, exclusive=True, timeout=TIME_LIMIT)


def _sets(app: App) -> Mapping[str, Sequence[Migration]]:
    """The migrations by plugin, in the order of their names."""
    sets: dict[str, list[Migration]] = {}
    for plugin, result in app.plugins.call_all("register_migrations", app):
        if result is None:
            continue
        items = [item for item in result if isinstance(item, Migration)] if isinstance(result, list) else []
        if not isinstance(result, list) or len(items) != len(result):
            raise PluginError(f"plugin {plugin!r}: register_migrations must return a list of Migration")
        if not items:
            continue
        known = sets.setdefault(plugin, [])
        known += items
        known.sort(key=lambda item: item.name)
        for item, following in pairwise(known):
            if item.name == following.name:
                raise PluginError(f"plugin {plugin!r}: two migrations are named {item.name!r}")
    return sets


def _applied(connection: Connection) -> set[tuple[str, str]]:
    tables = {str(row[1]) for row in connection.fetch_all(connection.dialect.schema_objects())}
    if TABLE not in tables:
        return set()
    rows = connection.fetch_all(f"SELECT plugin, name FROM {connection.dialect.quote(TABLE)}")
    return {(str(plugin), str(name)) for plugin, name in rows}


def _pending(sets: Mapping[str, Sequence[Migration]], applied: set[tuple[str, str]]) -> list[tuple[str, Migration]]:
    return [(plugin, item) for plugin, items in sets.items() for item in items if (plugin, item.name) not in applied]


def _apply(transaction: Transaction, sets: Mapping[str, Sequence[Migration]]) -> None:
    table = transaction.dialect.quote(TABLE)
    transaction.execute(
        f"CREATE TABLE IF NOT EXISTS {table} "
        "(plugin VARCHAR(255) NOT NULL, name VARCHAR(255) NOT NULL, applied INTEGER NOT NULL, "
        "PRIMARY KEY (plugin, name))"
    )
    for plugin, migration in _pending(sets, _applied(transaction)):
        _run(plugin, migration.name, migration.up, transaction)
        transaction.execute(
            f"INSERT INTO {table} (plugin, name, applied) VALUES (?, ?, ?)",
            (plugin, migration.name, time.time_ns() // 1000),
        )


def _run(plugin: str, name: str, step: Callable[[Transaction], None], transaction: Transaction) -> None:
    try:
        step(transaction)
    except (DatabaseError, PluginError) as error:
        raise PluginError(f"plugin {plugin!r}: the migration {name!r} failed: {error}") from error
    except Exception as error:
        raise PluginError(
            f"plugin {plugin!r}: the migration {name!r} failed: {type(error).__name__}: {error}"
        ) from error
