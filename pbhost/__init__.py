"""pbhost: a backend in one process whose every feature is a plugin. What stands in ``__all__`` is the public API."""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from pbhost.errors import (
    ApiError,
    BadRequestError,
    FieldError,
    ForbiddenError,
    InternalError,
    NotFoundError,
    PayloadTooLargeError,
    TooManyRequestsError,
    UnauthorizedError,
    ValidationError,
)
from pbhost.hooks import Skip, hookimpl, hookspec
from pbhost.model import Collection, Field, Record, RequestContext, UploadedFile

if TYPE_CHECKING:
    from pbhost.app import App as App
    from pbhost.http import Middleware as Middleware
    from pbhost.http import Route as Route
    from pbhost.services import CronJob as CronJob

try:
    __version__ = version("pbhost")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0.0.0"

#: Names that are imported on first use, because what they need is heavier than what a start may cost.
_LAZY = {
    "App": "pbhost.app",
    "CronJob": "pbhost.services",
    "Middleware": "pbhost.http",
    "Route": "pbhost.http",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'pbhost' has no attribute {name!r}")


__all__ = [
    "ApiError",
    "App",
    "BadRequestError",
    "Collection",
    "CronJob",
    "Field",
    "FieldError",
    "ForbiddenError",
    "InternalError",
    "Middleware",
    "NotFoundError",
    "PayloadTooLargeError",
    "Record",
    "RequestContext",
    "Route",
    "Skip",
    "TooManyRequestsError",
    "UnauthorizedError",
    "UploadedFile",
    "ValidationError",
    "__version__",
    "hookimpl",
    "hookspec",
]
