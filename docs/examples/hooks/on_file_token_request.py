"""Gives file tokens to verified users only."""

from pbhost import ForbiddenError, hookimpl


@hookimpl
def on_file_token_request(event):
    if event.collection.name == "users" and not event.record["verified"]:
        raise ForbiddenError("Verify your address first.")
