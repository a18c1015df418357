"""Spares clients that said so the messages of one topic."""

from pbhost import Skip, hookimpl


@hookimpl
def on_realtime_message_send(event):
    if event.message.name == "noise" and event.client.store.get("quiet"):
        raise Skip()
