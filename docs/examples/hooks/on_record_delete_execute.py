"""Keeps what is deleted, in the same transaction."""

from pbhost import hookimpl


@hookimpl(collections=["posts"])
def on_record_delete_execute(event):
    event.connection.execute("CREATE TABLE IF NOT EXISTS _blog_bin (id TEXT, title TEXT)")
    event.connection.execute("INSERT INTO _blog_bin VALUES (?, ?)", (event.record.id, event.record.text("title")))
