"""Makes whoever is signed in the author, whatever the client sent."""

from pbhost import hookimpl


@hookimpl(collections=["posts"])
def on_record_create_request(event):
    if event.context.auth is not None and "author" in event.record:
        event.record["author"] = event.context.auth.id
