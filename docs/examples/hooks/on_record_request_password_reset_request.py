"""Sends no reset to accounts that sign in through the company."""

from pbhost import BadRequestError, hookimpl


@hookimpl(collections=["users"])
def on_record_request_password_reset_request(event):
    if event.record.text("email").endswith("@company.example"):
        raise BadRequestError("Change your password in the company's directory.")
