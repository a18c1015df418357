"""Adds when the user signed in before to every auth answer."""

from pbhost import hookimpl

last_seen = {}


@hookimpl(collections=["@auth"])
def on_record_auth_request(event):
    meta = event.meta if isinstance(event.meta, dict) else {}
    event.meta = {**meta, "by": event.auth_method, "before": last_seen.get(event.record.id)}
    last_seen[event.record.id] = event.context.ip
