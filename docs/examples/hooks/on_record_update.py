"""Counts the revisions of a post, in the transaction."""

from pbhost import hookimpl


@hookimpl(collections=["posts"])
def on_record_update(event):
    if "revision" in event.record and event.record.changed("title"):
        event.record["revision"] = int(event.record.number("revision")) + 1
