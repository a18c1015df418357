"""Fields and collections as JSON Schemas: a record in an answer, the forms of create and update."""

from __future__ import annotations

from pbhost.errors import JSON
from pbhost.model import Collection, Field

#: Filled in by the server; a client cannot set them.
_GENERATED = frozenset(("autodate",))
_AUTH_INTERNAL = frozenset(("tokenKey",))


def value_schema(field: Field, *, is_input: bool = False) -> dict[str, JSON]:
    """What the value of a field looks like."""
    options = field.encode()
    item: dict[str, JSON]
    match field.type:
        case "number":
            item = {"type": "number"}
        case "bool":
            item = {"type": "boolean"}
        case "json":
            own = options.get("schema")
            item = dict(own) if isinstance(own, dict) and is_input else {}
        case "geoPoint":
            coordinates: dict[str, JSON] = {"lon": {"type": "number"}, "lat": {"type": "number"}}
            item = {"type": "object", "properties": coordinates}
        case "select":
            values = options.get("values")
            item = {"type": "string"}
            if isinstance(values, list) and is_input:
                item["enum"] = [*values] if field.is_multiple or field.required else [*values, ""]
        case "file":
            item = {"type": "string", "description": "the name of a stored file"}
        case "relation":
            item = {"type": "string", "description": "the id of a record"}
        case "date" | "autodate":
            item = {"type": "string", "description": "2024-05-01 12:30:45.123Z, or empty"}
        case "text" | "editor" | "email" | "url" | "password":
            item = {"type": "string"}
        case _:
            item = dict(field.json_schema(is_input=is_input) or {})
    if field.is_multiple:
        item = {"type": "array", "items": item}
    if field.help:
        item["description"] = field.help
    return item


def record_schema(collection: Collection, *, is_superuser: bool) -> dict[str, JSON]:
    """A record in an answer. Nothing is required: ``fields`` and hooks may leave out anything."""
    properties: dict[str, JSON] = {
        "collectionId": {"type": "string", "const": collection.id},
        "collectionName": {"type": "string", "const": collection.name},
        "expand": {"type": "object"},
    }
    for field in collection.fields:
        if (field.type != "password" and not field.hidden) or (field.type != "password" and is_superuser):
            properties[field.name] = value_schema(field)
    return {"type": "object", "properties": properties}


def form_schema(collection: Collection, *, is_create: bool, is_superuser: bool) -> dict[str, JSON]:
    """The body of a create or an update."""
    properties: dict[str, JSON] = {}
    required: list[JSON] = []
    for field in collection.fields:
        if field.type in _GENERATED or (collection.is_auth and field.name in _AUTH_INTERNAL):
            continue
        if field.hidden and not is_superuser and field.type != "password":
            continue
        properties[field.name] = value_schema(field, is_input=True)
        if is_create and field.required and not _is_filled(field):
            required.append(field.name)
    if collection.is_auth:
        properties["passwordConfirm"] = {"type": "string"}
        if is_create:
            required += [name for name in ("password", "passwordConfirm") if name not in required]
        else:
            properties["oldPassword"] = {"type": "string"}
    schema: dict[str, JSON] = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    return schema


def multipart_schema(collection: Collection, form: dict[str, JSON]) -> dict[str, JSON] | None:
    """The same form with files as contents; None where there are no files."""
    files = [field for field in collection.fields if field.type == "file"]
    properties = form["properties"]
    if not files or not isinstance(properties, dict):
        return None
    content: dict[str, JSON] = {"type": "string", "format": "binary"}
    changed: dict[str, JSON] = {
        field.name: {"type": "array", "items": content} if field.is_multiple else content
        for field in files
        if field.name in properties
    }
    return {**form, "properties": {**properties, **changed}}


def _is_filled(field: Field) -> bool:
    return bool(getattr(field, "autogenerate_pattern", ""))
