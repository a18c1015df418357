"""Counts who is connected; what follows ``yield`` runs when the connection ends."""

from pbhost import hookimpl

connected = set()


@hookimpl(wrapper=True)
async def on_realtime_connect_request(event):
    event.idle_timeout = 600
    connected.add(event.client.id)
    try:
        yield
    finally:
        connected.discard(event.client.id)
