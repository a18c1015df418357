"""Notes deletions that were refused in the log of the dashboard."""

from pbhost import hookimpl


@hookimpl
def on_model_after_delete_error(event):
    event.app.logs.write(4, "not deleted", {"collection": event.collection.name, "why": str(event.error)})
