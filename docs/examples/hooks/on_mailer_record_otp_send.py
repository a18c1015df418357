"""Puts the one-time code into the subject, where a phone shows it."""

from pbhost import hookimpl


@hookimpl
def on_mailer_record_otp_send(event):
    event.message.subject = f"{event.meta['password']} is your code"
