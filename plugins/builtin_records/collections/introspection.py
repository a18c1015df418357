"""What the database itself knows of its tables, views and indexes."""

from __future__ import annotations

from pbhost.database import Connection


def view_definitions(connection: Connection) -> dict[str, str]:
    """The statements that created the views, by name, in order of creation."""
    return {
        str(name): str(definition)
        for kind, name, _table, definition in connection.fetch_all(connection.dialect.schema_objects())
        if kind == "view"
    }


def table_names(connection: Connection) -> set[str]:
    """The names of all tables and views, lower-cased."""
    return {
        str(name).lower()
        for kind, name, _table, _definition in connection.fetch_all(connection.dialect.schema_objects())
        if kind in ("table", "view")
    }


def index_tables(connection: Connection) -> dict[str, str]:
    """The table of each index, by the index's name in lower case."""
    return {
        str(name).lower(): str(table)
        for kind, name, table, _definition in connection.fetch_all(connection.dialect.schema_objects())
        if kind == "index"
    }


def column_types(connection: Connection, table: str) -> dict[str, str]:
    """The declared type of each column of a table or view, in order."""
    rows = connection.fetch_all(connection.dialect.columns_of(), (table,))
    return {str(name): str(kind or "") for name, kind in rows}
