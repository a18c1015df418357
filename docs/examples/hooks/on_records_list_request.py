"""Drops the drafts of others from a page of a list; the totals still count them."""

from pbhost import hookimpl


@hookimpl(collections=["posts"])
def on_records_list_request(event):
    me = event.context.auth.id if event.context.auth is not None else None
    event.records = [record for record in event.records if not record.get("draft") or record.get("author") == me]
