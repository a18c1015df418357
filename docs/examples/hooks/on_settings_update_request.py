"""Refuses to point mail at a host outside the company."""

from pbhost import BadRequestError, hookimpl

ALLOWED = ("127.0.0.1", "localhost", "smtp.example.com")


@hookimpl
def on_settings_update_request(event):
    smtp = event.new_settings["smtp"]
    if smtp["enabled"] and smtp["host"] not in ALLOWED:
        raise BadRequestError("Mail leaves through smtp.example.com only.")
