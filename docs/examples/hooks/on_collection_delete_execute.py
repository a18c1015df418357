"""Removes the plugin's own rows about a collection together with it."""

from pbhost import hookimpl


@hookimpl
def on_collection_delete_execute(event):
    event.connection.execute("CREATE TABLE IF NOT EXISTS _blog_notes (collection TEXT, text TEXT)")
    event.connection.execute("DELETE FROM _blog_notes WHERE collection = ?", (event.collection.id,))
