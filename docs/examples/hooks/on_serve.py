"""Adds a line to what is printed when the server listens."""

from pbhost import hookimpl


@hookimpl
def on_serve(event):
    if event.worker == 0:
        event.banner.append(f"Blog: {event.base_url}/blog")
