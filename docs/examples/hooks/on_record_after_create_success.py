"""Announces a new post, now that nobody can take it back."""

from pbhost import hookimpl


@hookimpl(collections=["posts"])
async def on_record_after_create_success(event):
    await event.app.realtime.send("blog/new", {"title": event.record.text("title")})
