"""Notes the old and the new address."""

import logging

from pbhost import hookimpl

log = logging.getLogger("addresses")


@hookimpl
def on_record_confirm_email_change_request(event):
    log.info("%s: %s becomes %s", event.record.id, event.record.text("email"), event.new_email)
