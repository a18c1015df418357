"""Counts the posts in a table of its own: committed with the post, or not at all."""

from pbhost import hookimpl


@hookimpl(collections=["posts"])
def on_record_create_execute(event):
    event.connection.execute("CREATE TABLE IF NOT EXISTS _blog_counts (name TEXT PRIMARY KEY, n INTEGER)")
    event.connection.execute("INSERT INTO _blog_counts VALUES ('posts', 1) ON CONFLICT (name) DO UPDATE SET n = n + 1")
