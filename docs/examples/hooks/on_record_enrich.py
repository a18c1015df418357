"""Hides a field from everyone but its owner, in answers, expands and live messages."""

from pbhost import hookimpl


@hookimpl(collections=["users"])
def on_record_enrich(event):
    me = event.context.auth
    if me is None or (me.id != event.record.id and not event.context.is_superuser):
        event.record.hide("lastLogin")
