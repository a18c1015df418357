"""Removes what lies outside the database, after the commit."""

from shutil import rmtree

from pbhost import hookimpl


@hookimpl
def on_collection_after_delete_success(event):
    rmtree(event.app.config.dir / "exports" / event.collection.id, ignore_errors=True)
