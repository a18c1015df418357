"""Refusals that more than one auth endpoint gives, and the field errors they share.

TooManyRequestsError
└── HasherBusy          more sign-ins are waiting for a hash than the queue holds
ValidationError
└── StaleCredentials    new credentials were decided on those that somebody has replaced since
"""

from __future__ import annotations

from pbhost.errors import FieldError, TooManyRequestsError, ValidationError

VALUES_MISMATCH = FieldError("validation_values_mismatch", "Values don't match.")
NOT_IN_LIST = FieldError("validation_in_invalid", "Must be a valid value.")
INVALID_TOKEN = FieldError("validation_invalid_token", "Invalid or expired token.")
TOKEN_OF_OTHER_COLLECTION = FieldError(
    "validation_token_collection_mismatch", "The provided token is for different auth collection."
)
INVALID_AUTH_ID = FieldError("validation_invalid_auth_id", "Invalid or duplicated auth record id.")

LOADING_FAILED = "An error occurred while loading the submitted data."
VALIDATING_FAILED = "An error occurred while validating the submitted data."


class HasherBusy(TooManyRequestsError):
    """The queue of password hashes is full; the client should try again later."""


class StaleCredentials(ValidationError):
    """The token, password or session that allowed the change ended while it was being made."""

    def __init__(self) -> None:
        super().__init__({"token": INVALID_TOKEN})
