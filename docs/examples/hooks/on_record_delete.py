"""Keeps the last administrator."""

from pbhost import BadRequestError, hookimpl


@hookimpl(collections=["users"])
def on_record_delete(event):
    if event.record.get("role") == "admin":
        raise BadRequestError("Make somebody else administrator first.")


@hookimpl(collections=["posts"], specname="on_record_delete")
def keep_pinned(event):
    if event.record.get("pinned"):
        raise BadRequestError("Unpin it first.")
