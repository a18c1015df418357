"""An audit trail of every deletion, committed with it."""

from pbhost import hookimpl


@hookimpl
def on_model_delete_execute(event):
    what = event.record.id if event.record is not None else event.collection.id
    event.connection.execute("CREATE TABLE IF NOT EXISTS _audit_deleted (what TEXT, at TEXT)")
    event.connection.execute("INSERT INTO _audit_deleted VALUES (?, datetime('now'))", (what,))
