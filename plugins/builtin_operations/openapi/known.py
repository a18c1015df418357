"""What goes into the built-in routes and comes out; a route's own ``schema`` goes before."""

from __future__ import annotations

from typing import Final

from builtin_operations.openapi.schemas import LIST_QUERY, page_of, reference
from pbhost.errors import JSON
from pbhost.http import RouteSchema

_TEXT: Final[JSON] = {"type": "string"}
_NONE: Final = RouteSchema(status=204)
_COLLECTIONS: Final = "/api/collections"
_OF_COLLECTION: Final = "/api/collections/{collection}"


def _object(**properties: JSON) -> dict[str, JSON]:
    return {"type": "object", "properties": properties}


def _list(item: JSON) -> dict[str, JSON]:
    return {"type": "array", "items": item}


def _takes(*names: str, answer: JSON = None, status: int = 204) -> RouteSchema:
    body: dict[str, JSON] = {**_object(**dict.fromkeys(names, _TEXT)), "required": list(names)}
    return RouteSchema(body=body, answer=answer, status=status)


_FILE: Final = RouteSchema(content_type="application/octet-stream", answer={})
_PAGE: Final = RouteSchema(content_type="text/html", answer={})

KNOWN: Final[dict[tuple[str, str], RouteSchema]] = {
    ("GET", "/api/health"): RouteSchema(answer=_object(message=_TEXT, code={"type": "integer"}, data={})),
    ("GET", "/api/plugins"): RouteSchema(answer=_object(plugins=_list({"type": "object"}), worker={"type": "integer"})),
    ("GET", "/api/openapi.json"): RouteSchema(answer={"type": "object"}),
    ("GET", "/api/settings"): RouteSchema(answer=reference("Settings")),
    ("PATCH", "/api/settings"): RouteSchema(body=reference("Settings"), answer=reference("Settings")),
    ("POST", "/api/settings/test/s3"): _takes("filesystem"),
    ("POST", "/api/settings/test/email"): _takes("template", "email"),
    ("POST", "/api/settings/apple/generate-client-secret"): RouteSchema(
        body={"type": "object"}, answer=_object(secret=_TEXT)
    ),
    ("GET", "/api/logs"): RouteSchema(query=LIST_QUERY, answer=page_of(reference("LogEntry"))),
    ("GET", "/api/logs/stats"): RouteSchema(query={"filter": _TEXT}, answer=_list({"type": "object"})),
    ("GET", "/api/logs/{id}"): RouteSchema(answer=reference("LogEntry")),
    ("GET", "/api/crons"): RouteSchema(answer=_list(reference("CronJob"))),
    ("POST", "/api/crons/{id}"): _NONE,
    ("POST", "/api/sql"): _takes("query", answer={"type": "object"}, status=200),
    ("GET", "/api/backups"): RouteSchema(answer=_list(reference("Backup"))),
    ("POST", "/api/backups"): RouteSchema(body=_object(name=_TEXT), status=204),
    ("POST", "/api/backups/upload"): RouteSchema(
        body=_object(file={"type": "string", "format": "binary"}), status=204, request_type="multipart/form-data"
    ),
    ("GET", "/api/backups/{key}"): RouteSchema(query={"token": _TEXT}, content_type="application/zip", answer={}),
    ("DELETE", "/api/backups/{key}"): _NONE,
    ("POST", "/api/backups/{key}/restore"): _NONE,
    ("POST", "/api/files/token"): RouteSchema(answer=_object(token=_TEXT)),
    ("GET", "/api/files/{collection}/{id}/{filename}"): RouteSchema(
        query={"thumb": _TEXT, "download": _TEXT, "token": _TEXT}, content_type="application/octet-stream", answer={}
    ),
    ("GET", "/api/realtime"): RouteSchema(content_type="text/event-stream", answer={}),
    ("POST", "/api/realtime"): RouteSchema(body=_object(clientId=_TEXT, subscriptions=_list(_TEXT)), status=204),
    ("POST", "/api/batch"): RouteSchema(
        body=_object(
            requests=_list(_object(method=_TEXT, url=_TEXT, headers={"type": "object"}, body={"type": "object"}))
        ),
        answer=_list(_object(status={"type": "integer"}, body={})),
    ),
    ("GET", "/api/oauth2-redirect"): RouteSchema(
        query={"state": _TEXT, "code": _TEXT, "error": _TEXT}, status=307, content_type="text/html", answer={}
    ),
    ("POST", "/api/oauth2-redirect"): RouteSchema(
        query={"state": _TEXT, "code": _TEXT, "error": _TEXT}, status=303, content_type="text/html", answer={}
    ),
    ("GET", _COLLECTIONS): RouteSchema(query=LIST_QUERY, answer=page_of(reference("Collection"))),
    ("POST", _COLLECTIONS): RouteSchema(body=reference("Collection"), answer=reference("Collection")),
    ("PUT", f"{_COLLECTIONS}/import"): RouteSchema(
        body=_object(collections=_list(reference("Collection")), deleteMissing={"type": "boolean"}), status=204
    ),
    ("GET", f"{_COLLECTIONS}/meta/scaffolds"): RouteSchema(
        answer={"type": "object", "additionalProperties": reference("Collection")}
    ),
    ("GET", f"{_COLLECTIONS}/meta/oauth2-providers"): RouteSchema(
        answer=_list(_object(name=_TEXT, displayName=_TEXT, logo=_TEXT))
    ),
    ("POST", f"{_COLLECTIONS}/meta/dry-run-view"): _takes(
        "query",
        answer=_object(fields=_list({"type": "object"}), sample=_list({"type": "object"})),
        status=200,
    ),
    ("GET", _OF_COLLECTION): RouteSchema(answer=reference("Collection")),
    ("PATCH", _OF_COLLECTION): RouteSchema(body=reference("Collection"), answer=reference("Collection")),
    ("DELETE", _OF_COLLECTION): _NONE,
    ("DELETE", f"{_OF_COLLECTION}/truncate"): _NONE,
    ("GET", "/{path...}"): _FILE,
    ("GET", "/_"): RouteSchema(status=307, content_type="text/html", answer={}),
    ("GET", "/_/{path...}"): _FILE,
    ("GET", "/_/extensions.js"): _FILE,
    ("GET", "/_/extensions/{name}/{path...}"): _FILE,
    ("GET", "/api/docs"): _PAGE,
}

#: Routes below an auth collection, by what follows its name; the answer "auth" is a token with its record.
OF_AUTH: Final[dict[str, RouteSchema]] = {
    "/auth-methods": RouteSchema(answer={"type": "object"}),
    "/auth-refresh": RouteSchema(answer="auth"),
    "/impersonate/{id}": RouteSchema(body=_object(duration={"type": "integer"}), answer="auth"),
    "/auth-with-password": _takes("identity", "password", answer="auth", status=200),
    "/auth-with-oauth2": _takes("provider", "code", "redirectURL", answer="auth", status=200),
    "/auth-with-otp": _takes("otpId", "password", answer="auth", status=200),
    "/request-otp": _takes("email", answer=_object(otpId=_TEXT), status=200),
    "/request-password-reset": _takes("email"),
    "/confirm-password-reset": _takes("token", "password", "passwordConfirm"),
    "/request-verification": _takes("email"),
    "/confirm-verification": _takes("token"),
    "/request-email-change": _takes("newEmail"),
    "/confirm-email-change": _takes("token", "password"),
}
