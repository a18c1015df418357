"""Notes committed deletions in the log of the dashboard."""

from pbhost import hookimpl


@hookimpl
def on_model_after_delete_success(event):
    event.app.logs.write(0, "deleted", {"collection": event.collection.name})
