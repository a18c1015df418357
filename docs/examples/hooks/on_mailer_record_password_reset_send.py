"""Addresses the mail of a password reset by name, where there is one."""

from pbhost import hookimpl


@hookimpl(collections=["users"])
def on_mailer_record_password_reset_send(event):
    name = event.record.text("name")
    if name:
        event.message.subject = f"{name}, your new password"
