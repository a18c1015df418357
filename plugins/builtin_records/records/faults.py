"""What went wrong in a database thread, as an answer."""

from __future__ import annotations

import logging

from pbhost.errors import (
    NOT_UNIQUE,
    ApiError,
    BadRequestError,
    DatabaseBusyError,
    DatabaseError,
    PbhostError,
    UniqueViolationError,
    ValidationError,
)
from pbhost.model import Collection

log = logging.getLogger("pbhost.records")

NOT_SUPERUSER = "Only superusers can perform this action."
UNSUPPORTED_TYPE = "Unsupported collection type."
CREATE_FAILED = "Failed to create record."
UPDATE_FAILED = "Failed to update record."
DELETE_BLOCKED = "Failed to delete record. Make sure that the record is not part of a required relation reference."


class NeedsExclusive(PbhostError):
    """The write turned out to need the event loop half-way: it is run again in a transaction of its own."""


def not_unique(collection: Collection, error: UniqueViolationError) -> ValidationError:
    """The field errors of a unique violation: one for each field that the index names (records.md 2.5)."""
    named = {column.lower() for column in error.columns}
    table = collection.name.lower()
    fields = {field.name: NOT_UNIQUE for field in collection.fields if f"{table}.{field.name.lower()}" in named}
    return ValidationError(fields, cause=str(error))


def write_failure(error: Exception, message: str) -> Exception:
    """The answer for a create or update that failed: field errors and database errors under its own message.

    Errors that a hook or a check raised on purpose pass as they are. Raise it from the error: the kernel looks for a
    full disk among the causes.
    """
    if isinstance(error, ValidationError):
        return error.named(message)
    if isinstance(error, (ApiError, NeedsExclusive)):
        return error
    if isinstance(error, DatabaseError):
        level = logging.WARNING if isinstance(error, DatabaseBusyError) else logging.ERROR
        log.log(level, "%s %s", message, error)
        return BadRequestError(message, cause=str(error))
    return error
