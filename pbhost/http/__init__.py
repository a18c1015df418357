"""The HTTP edge: routes, pipeline, request bodies, answers. Plugins use what stands in ``__all__``."""

from pbhost.http.types import (
    APP,
    CONTEXT,
    DEFAULT_BODY_LIMIT,
    Answer,
    Guard,
    Handler,
    Middleware,
    Route,
    app_of,
    context_of,
)

__all__ = [
    "APP",
    "CONTEXT",
    "DEFAULT_BODY_LIMIT",
    "Answer",
    "Guard",
    "Handler",
    "Middleware",
    "Route",
    "app_of",
    "context_of",
]
