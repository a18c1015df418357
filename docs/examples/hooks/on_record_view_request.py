"""Counts how often a post is looked at, beside the answer."""

from collections import Counter

from pbhost import hookimpl

views = Counter()


@hookimpl(collections=["posts"])
def on_record_view_request(event):
    views[event.record.id] += 1
