"""Leaves a large directory of caches out of every backup."""

from pbhost import hookimpl


@hookimpl
def on_backup_create(event):
    event.exclude.append("cache")
