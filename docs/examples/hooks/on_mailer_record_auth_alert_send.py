"""Adds whom to call to the alert of a sign-in from a new place."""

from pbhost import hookimpl


@hookimpl
def on_mailer_record_auth_alert_send(event):
    event.message.html += "<p>That was not you? Call us: 555 0100.</p>"
