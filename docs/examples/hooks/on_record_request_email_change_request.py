"""Lets nobody take an address of the company."""

from pbhost import BadRequestError, hookimpl


@hookimpl(collections=["users"])
def on_record_request_email_change_request(event):
    if event.new_email.endswith("@company.example"):
        raise BadRequestError("Ask for a company account instead.")
