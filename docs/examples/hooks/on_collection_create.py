"""Keeps a copy of each new schema in a table, in the same transaction."""

from pbhost import hookimpl


@hookimpl
def on_collection_create(event):
    event.connection.execute("CREATE TABLE IF NOT EXISTS _blog_schemas (name TEXT)")
    event.connection.execute("INSERT INTO _blog_schemas VALUES (?)", (event.collection.name,))
