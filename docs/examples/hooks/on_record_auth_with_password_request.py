"""Lets people sign in with an address in any case and with spaces around it."""

from pbhost import hookimpl


@hookimpl(collections=["users"])
async def on_record_auth_with_password_request(event):
    identity = event.identity.strip().lower()
    if event.record is None and identity != event.identity:
        event.record = await event.app.records.find_first("users", "email = {:email}", {"email": identity})
