"""An index that no option of a collection can say, made with the table."""

from pbhost import hookimpl


@hookimpl(wrapper=True)
def on_collection_create_execute(event):
    yield  # the table is there now
    if event.collection.name == "posts":
        event.connection.execute("CREATE INDEX IF NOT EXISTS idx_posts_length ON posts (length(title))")
