"""The document: every registered route, those below a collection once for each collection that has them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Final

from builtin_operations.openapi.fields import form_schema, multipart_schema, record_schema
from builtin_operations.openapi.known import KNOWN, OF_AUTH
from builtin_operations.openapi.schemas import LIST_QUERY, RECORD_QUERY, SHARED, page_of, reference
from pbhost.errors import JSON
from pbhost.http import Route, RouteSchema
from pbhost.model import Collection, RuleKind

_PREFIX: Final = "/api/collections/{collection}"
_RECORDS: Final = f"{_PREFIX}/records"
_PARAMETER: Final = re.compile(r"\{(\w+)(\.\.\.)?\}")
_ERRORS: Final = {
    400: "The request cannot be done as it is; data tells why, by key.",
    401: "A token is missing.",
    403: "The caller may not do this.",
    404: "There is no such thing, or the caller may not see it.",
    413: "The body is too large.",
    429: "Too many requests, or too much work at once; try again later.",
}
_RULE: Final[dict[str, RuleKind]] = {
    "list": "list",
    "view": "view",
    "create": "create",
    "update": "update",
    "delete": "delete",
}


class Document:
    """Builds the document for one audience.

    Args:
        routes: all routes of the server.
        collections: the schema.
        is_superuser: False leaves out what only superusers may use: routes, system collections, hidden fields, actions
            whose rule is locked.
    """

    def __init__(self, routes: Sequence[Route], collections: Sequence[Collection], *, is_superuser: bool) -> None:
        self._routes = routes
        self._is_superuser = is_superuser
        self._collections = [item for item in collections if is_superuser or not item.system]
        self._schemas: dict[str, JSON] = dict(SHARED)
        self._paths: dict[str, dict[str, JSON]] = {}

    def build(self) -> dict[str, JSON]:
        """The document as JSON."""
        for collection in self._collections:
            self._describe(collection)
        for route in self._routes:
            if route.guard == "superuser" and not self._is_superuser:
                continue
            if route.path.startswith(_RECORDS):
                self._add_of_records(route)
            elif route.path.removeprefix(_PREFIX) in OF_AUTH and route.path.startswith(_PREFIX):
                self._add_of_auth(route)
            else:
                schema = route.schema or KNOWN.get((route.method, route.path)) or RouteSchema(answer={})
                self._add(route, route.path, schema, _tag(route.path))
        paths: dict[str, JSON] = dict(sorted(self._paths.items()))
        errors: dict[str, JSON] = {
            str(status): {"description": text, "content": _content("application/json", reference("Error"))}
            for status, text in _ERRORS.items()
        }
        token: dict[str, JSON] = {"type": "apiKey", "in": "header", "name": "Authorization"}
        return {
            "openapi": "3.1.0",
            "info": {"title": "pbhost", "version": version("pbhost")},
            "servers": [{"url": "/"}],
            "paths": paths,
            "components": {
                "schemas": self._schemas,
                "responses": errors,
                "securitySchemes": {"token": token},
            },
        }

    def _describe(self, collection: Collection) -> None:
        name = collection.name
        self._schemas[name] = record_schema(collection, is_superuser=self._is_superuser)
        if collection.is_view:
            return
        for suffix, is_create in (("Create", True), ("Update", False)):
            form = form_schema(collection, is_create=is_create, is_superuser=self._is_superuser)
            self._schemas[f"{name}{suffix}"] = form
            files = multipart_schema(collection, form)
            if files is not None:
                self._schemas[f"{name}{suffix}Files"] = files
        if collection.is_auth:
            self._schemas[f"{name}Auth"] = {
                "type": "object",
                "properties": {"token": {"type": "string"}, "record": reference(name), "meta": {}},
            }

    def _add_of_records(self, route: Route) -> None:
        action = next((tag for tag in route.tags if tag in _RULE), "")
        for collection in self._collections:
            if collection.is_view and action not in ("list", "view"):
                continue
            if action and not self._is_superuser and collection.rule(_RULE[action]) is None:
                continue
            record = reference(collection.name)
            match action:
                case "list":
                    schema = RouteSchema(query={**LIST_QUERY, **RECORD_QUERY}, answer=page_of(record))
                case "view":
                    schema = RouteSchema(query=RECORD_QUERY, answer=record)
                case "create":
                    schema = RouteSchema(query=RECORD_QUERY, body=reference(f"{collection.name}Create"), answer=record)
                case "update":
                    schema = RouteSchema(query=RECORD_QUERY, body=reference(f"{collection.name}Update"), answer=record)
                case "delete":
                    schema = RouteSchema(status=204)
                case _:
                    schema = route.schema or RouteSchema(answer={})
            path = route.path.replace("{collection}", collection.name)
            operation = self._add(route, path, schema, collection.name)
            form = f"{collection.name}{action.capitalize()}Files"
            body = operation.get("requestBody")
            if form in self._schemas and isinstance(body, dict) and isinstance(body["content"], dict):
                body["content"]["multipart/form-data"] = {"schema": reference(form)}

    def _add_of_auth(self, route: Route) -> None:
        known = OF_AUTH[route.path.removeprefix(_PREFIX)]
        for collection in self._collections:
            if collection.is_auth:
                schema = replace(known, answer=reference(f"{collection.name}Auth")) if known.answer == "auth" else known
                self._add(route, route.path.replace("{collection}", collection.name), schema, collection.name)

    def _add(self, route: Route, path: str, schema: RouteSchema, tag: str) -> dict[str, JSON]:
        names = [match[1] for match in _PARAMETER.finditer(path)]
        path = _PARAMETER.sub(r"{\1}", path)
        text: JSON = {"type": "string"}
        parameters: list[JSON] = [{"name": name, "in": "path", "required": True, "schema": text} for name in names]
        parameters += [{"name": name, "in": "query", "schema": item} for name, item in schema.query.items()]
        responses: dict[str, JSON] = {str(schema.status): _response(schema)}
        for status in _ERRORS:
            responses[str(status)] = {"$ref": f"#/components/responses/{status}"}
        operation: dict[str, JSON] = {
            "operationId": re.sub(r"\W+", "_", f"{route.method.lower()}{path}").strip("_"),
            "summary": route.summary,
            "tags": [tag],
            "parameters": parameters,
            "responses": responses,
        }
        if schema.body is not None:
            operation["requestBody"] = {"content": _content(schema.request_type, schema.body)}
        if route.guard not in ("any", "guest"):
            operation["security"] = [{"token": []}]
            operation["x-guard"] = route.guard
        self._paths.setdefault(path, {})[route.method.lower()] = operation
        return operation


def _response(schema: RouteSchema) -> dict[str, JSON]:
    response: dict[str, JSON] = {"description": "Done."}
    if schema.answer is not None:
        response["content"] = _content(schema.content_type, schema.answer)
    return response


def _content(content_type: str, schema: JSON) -> dict[str, JSON]:
    return {content_type: {"schema": schema}}


def _tag(path: str) -> str:
    parts = path.strip("/").split("/")
    return parts[1].removesuffix(".json") if len(parts) > 1 and parts[0] == "api" else "pages"


def operations_of(document: Mapping[str, JSON]) -> list[tuple[str, str]]:
    """Method and path of everything that a document lists."""
    paths = document["paths"]
    assert isinstance(paths, dict)
    return [(method.upper(), path) for path, item in paths.items() if isinstance(item, dict) for method in item]
