"""Writes down who signs in with a one-time code."""

import logging

from pbhost import hookimpl

log = logging.getLogger("otp")


@hookimpl
def on_record_auth_with_otp_request(event):
    log.info("%s signs in with the code %s", event.record.id, event.otp.id)
