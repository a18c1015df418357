"""Sends one message about any committed update to whoever listens to the topic."""

from pbhost import hookimpl


@hookimpl
async def on_model_after_update_success(event):
    await event.app.realtime.send("audit/updates", {"collection": event.collection.name})
