"""Allows batches of one kind only: no deletions."""

from pbhost import BadRequestError, hookimpl


@hookimpl
def on_batch_request(event):
    if any(item.method == "DELETE" for item in event.batch):
        raise BadRequestError("Delete one by one.")
