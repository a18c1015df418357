"""Ends sessions of users who were banned meanwhile."""

from pbhost import ForbiddenError, hookimpl

banned = set()


@hookimpl(collections=["users"])
def on_record_auth_refresh_request(event):
    if event.record.id in banned:
        raise ForbiddenError("Your account is closed.")
