"""Notes each reset password, after it was saved."""

import logging

from pbhost import hookimpl

log = logging.getLogger("passwords")


@hookimpl(wrapper=True)
async def on_record_confirm_password_reset_request(event):
    yield
    log.info("%s has a new password, asked for from %s", event.record.id, event.context.ip)
