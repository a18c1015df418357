"""Protocols of a database engine and its dialect, SQL fragments, migrations. No engine lives here."""

from pbhost.database.dialect import Dialect
from pbhost.database.engine import (
    AsyncTransaction,
    Change,
    Compacting,
    Connection,
    Engine,
    Lane,
    Migration,
    Row,
    Transaction,
)
from pbhost.database.fragments import Sql, SqlValue, bind, join

__all__ = [
    "AsyncTransaction",
    "Change",
    "Compacting",
    "Connection",
    "Dialect",
    "Engine",
    "Lane",
    "Migration",
    "Row",
    "Sql",
    "SqlValue",
    "Transaction",
    "bind",
    "join",
]
