"""The error tree of pbhost and its JSON form.

    PbhostError
    ├── ApiError                    an answer to the client: status, message, data
    │   ├── BadRequestError         400
    │   │   └── ValidationError     400 with field errors in ``data``
    │   ├── UnauthorizedError       401
    │   ├── ForbiddenError          403
    │   ├── NotFoundError           404
    │   ├── PayloadTooLargeError    413
    │   ├── TooManyRequestsError    429
    │   └── InternalError           500
    ├── ConfigError                 the configuration or the command line cannot be used
    ├── PluginError                 a plugin cannot be loaded or used
    │   └── HookError               a hook implementation failed; names the plugin and the hook
    ├── ServiceMissingError         nobody provides a service that is needed
    └── DatabaseError               the database refused
        ├── UniqueViolationError    names the columns
        ├── ConstraintError         NOT NULL, CHECK, foreign key
        ├── MalformedValueError     a stored value is not what the statement took it for
        ├── DatabaseBusyError       locked beyond the retries, or the transaction was held too long
        └── DatabaseUnusableError   read-only, corrupt, foreign, not a database
            └── DatabaseDiskError   the disk is full, or failed

The JSON form is PocketBase's: ``{"data": {...}, "message": "...", "status": N}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

JSON: TypeAlias = "None | bool | int | float | str | list[JSON] | dict[str, JSON]"

#: Field errors by key; they nest for nested objects, and lists use the decimal index as key.
ErrorTree: TypeAlias = "Mapping[str, FieldError | ErrorTree]"


def sentence(text: str) -> str:
    """The wire form of a message: trimmed, first letter upper-cased, ended by a full stop unless it ends in ``.?!``."""
    text = text.strip()
    if not text:
        return text
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".?!" else text + "."


@dataclass(frozen=True, slots=True)
class FieldError:
    """One error of one key: ``code`` (stable), ``message`` (for people), ``params`` (numbers are JSON numbers)."""

    code: str
    message: str
    params: Mapping[str, JSON] = field(default_factory=dict)

    def to_json(self) -> dict[str, JSON]:
        out: dict[str, JSON] = {"code": self.code, "message": sentence(self.message)}
        if self.params:
            out["params"] = dict(self.params)
        return out


#: What a failure without a code of its own looks like when it is attached to a field.
INVALID_VALUE = FieldError("validation_invalid_value", "Invalid value.")
REQUIRED = FieldError("validation_required", "Cannot be blank.")
NOT_UNIQUE = FieldError("validation_not_unique", "Value must be unique.")


def tree_to_json(tree: ErrorTree) -> dict[str, JSON]:
    """The ``data`` of an error answer."""
    return {key: item.to_json() if isinstance(item, FieldError) else tree_to_json(item) for key, item in tree.items()}


class PbhostError(Exception):
    """The root of all errors that pbhost raises on purpose."""


class ApiError(PbhostError):
    """An answer to the client. Raise it from a handler or a hook to refuse the operation.

    Args:
        message: for the client; empty means the default message of the status.
        data: field errors, or JSON to be sent as ``data``.
        status: the HTTP status; subclasses set it.
        cause: text for the log only, never sent.
    """

    status: int = 400
    default_message: ClassVar[str] = "Something went wrong while processing your request."

    def __init__(
        self,
        message: str = "",
        data: ErrorTree | None = None,
        *,
        status: int | None = None,
        raw: Mapping[str, JSON] | None = None,
        cause: str = "",
    ) -> None:
        self.message = sentence(message) or self.default_message
        self.data: ErrorTree = data or {}
        self.raw = raw
        self.cause = cause
        if status is not None:
            self.status = status
        super().__init__(self.message)

    def to_json(self) -> dict[str, JSON]:
        data: JSON = dict(self.raw) if self.raw is not None else tree_to_json(self.data)
        return {"data": data, "message": self.message, "status": self.status}


class BadRequestError(ApiError):
    """400."""


class ValidationError(BadRequestError):
    """400 with field errors. A handler usually re-raises it with its own message: see :meth:`named`."""

    def __init__(self, data: ErrorTree, message: str = "", *, cause: str = "") -> None:
        super().__init__(message, data, cause=cause)

    def named(self, message: str) -> BadRequestError:
        """The same field errors under the message of the operation that failed."""
        return BadRequestError(message, self.data, cause=self.cause)


class UnauthorizedError(ApiError):
    """401."""

    status = 401
    default_message = "Missing or invalid authentication."


class ForbiddenError(ApiError):
    """403."""

    status = 403
    default_message = "You are not allowed to perform this request."


class NotFoundError(ApiError):
    """404."""

    status = 404
    default_message = "The requested resource wasn't found."


class PayloadTooLargeError(ApiError):
    """413."""

    status = 413
    default_message = "Request entity too large."


class TooManyRequestsError(ApiError):
    """429."""

    status = 429
    default_message = "Too Many Requests."


class InternalError(ApiError):
    """500."""

    status = 500


class ConfigError(PbhostError):
    """The configuration or the command line cannot be used; the message says what to do."""


class PluginError(PbhostError):
    """A plugin cannot be loaded or used; the message names it and says what to do."""


class HookError(PluginError):
    """A hook implementation raised something that is not an :class:`ApiError` (its ``__cause__``)."""

    def __init__(self, plugin: str, hook: str, reason: str) -> None:
        self.plugin = plugin
        self.hook = hook
        super().__init__(f"plugin {plugin!r} failed in {hook}: {reason}")


class ServiceMissingError(PbhostError):
    """Nobody provides a service that is needed; the message names the plugins that would."""


class DatabaseError(PbhostError):
    """The database refused; the text is for the log, never for a client."""


class UniqueViolationError(DatabaseError):
    """A unique index refused a row. ``columns`` are ``table.column`` names; empty for an index over an expression."""

    def __init__(self, columns: tuple[str, ...], message: str = "") -> None:
        self.columns = columns
        super().__init__(message or f"unique violation on {', '.join(columns) or 'an expression'}")


class ConstraintError(DatabaseError):
    """NOT NULL, CHECK or foreign key violation."""


class MalformedValueError(DatabaseError):
    """A stored value is not what the statement took it for: text that is no JSON."""


class DatabaseBusyError(DatabaseError):
    """The database stayed locked beyond the retries, or a transaction was held longer than allowed."""


class DatabaseUnusableError(DatabaseError):
    """Read-only, corrupt, foreign, or not a database at all; the message says what to do."""


class DatabaseDiskError(DatabaseUnusableError):
    """The disk is full, or reading or writing failed: the same statement may succeed later."""
