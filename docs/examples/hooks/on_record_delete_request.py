"""Asks for a reason in the query: ``DELETE …?reason=spam``."""

from pbhost import BadRequestError, hookimpl


@hookimpl(collections=["posts"])
def on_record_delete_request(event):
    if not event.context.is_superuser and not event.context.query.get("reason"):
        raise BadRequestError("Say why.")
