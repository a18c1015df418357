"""The HTTP edge: routes, pipeline, request bodies, answers. Plugins use what stands in ``__all__``."""

from pbhost.http import certificates as _certificates  # noqa: F401  # before anything else imports aiohttp
from pbhost.http.answers import PreparedResponse, empty_answer, encoded_answer, error_answer, json_answer
from pbhost.http.body import has_body, read_body, read_raw
from pbhost.http.context import without_headers
from pbhost.http.file_response import file_response
from pbhost.http.json_text import dumps, loads
from pbhost.http.picker import FieldsError, pick
from pbhost.http.public_address import is_public, public_socket
from pbhost.http.real_ip import real_ip
from pbhost.http.types import (
    APP,
    CONTEXT,
    DEFAULT_BODY_LIMIT,
    OMITTED_HEADERS,
    Answer,
    Guard,
    Handler,
    Middleware,
    Route,
    RouteSchema,
    app_of,
    context_of,
    routes_of,
)

__all__ = [
    "APP",
    "CONTEXT",
    "DEFAULT_BODY_LIMIT",
    "OMITTED_HEADERS",
    "Answer",
    "FieldsError",
    "Guard",
    "Handler",
    "Middleware",
    "PreparedResponse",
    "Route",
    "RouteSchema",
    "app_of",
    "context_of",
    "dumps",
    "empty_answer",
    "encoded_answer",
    "error_answer",
    "file_response",
    "has_body",
    "is_public",
    "json_answer",
    "loads",
    "pick",
    "public_socket",
    "read_body",
    "read_raw",
    "real_ip",
    "routes_of",
    "without_headers",
]
