"""Counts what could not be created."""

from collections import Counter

from pbhost import hookimpl

failed = Counter()


@hookimpl
def on_model_after_create_error(event):
    failed[event.collection.name, type(event.error).__name__] += 1
