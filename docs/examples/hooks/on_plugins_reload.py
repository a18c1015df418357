"""Tells open browsers to reload when a plugin was edited (``pbhost serve --dev``)."""

from pbhost import hookimpl


@hookimpl
async def on_plugins_reload(event):
    await event.app.realtime.send("dev/reload", list(event.names))
