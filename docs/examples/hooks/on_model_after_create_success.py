"""Counts what was created, by collection."""

from collections import Counter

from pbhost import hookimpl

created = Counter()


@hookimpl
def on_model_after_create_success(event):
    created[event.collection.name] += 1
