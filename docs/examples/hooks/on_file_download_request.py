"""Gives downloads a name for people: the record's title instead of the stored name."""

from pathlib import PurePosixPath

from pbhost import hookimpl


@hookimpl(collections=["posts"])
def on_file_download_request(event):
    title = event.record.text("title")
    if title:
        event.served_name = title + PurePosixPath(event.served_path).suffix
