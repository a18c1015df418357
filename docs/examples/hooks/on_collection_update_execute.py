"""Works in the transaction of the schema change, before its SQL runs."""

from pbhost import hookimpl


@hookimpl
def on_collection_update_execute(event):
    event.connection.execute("CREATE TABLE IF NOT EXISTS _blog_changes (name TEXT, at TEXT)")
    event.connection.execute("INSERT INTO _blog_changes VALUES (?, datetime('now'))", (event.collection.name,))
