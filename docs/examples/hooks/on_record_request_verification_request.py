"""Verifies the company's own addresses only."""

from pbhost import BadRequestError, hookimpl

DOMAINS = ("example.com", "example.org")


@hookimpl(collections=["users"])
def on_record_request_verification_request(event):
    if event.record.text("email").rpartition("@")[2] not in DOMAINS:
        raise BadRequestError("Only addresses of the company.")
