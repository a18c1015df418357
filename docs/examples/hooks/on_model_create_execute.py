"""An audit trail of every create, committed with it."""

from pbhost import hookimpl


@hookimpl
def on_model_create_execute(event):
    who = event.context.auth.id if event.context and event.context.auth else ""
    what = event.record.id if event.record is not None else event.collection.id
    event.connection.execute("CREATE TABLE IF NOT EXISTS _audit (who TEXT, what TEXT, action TEXT)")
    event.connection.execute("INSERT INTO _audit VALUES (?, ?, ?)", (who, what, event.action))
