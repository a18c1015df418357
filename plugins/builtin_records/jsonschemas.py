"""JSON Schemas of json fields: checked when a collection is saved, compiled once per field, bounded for any value.

The validator is jsonschema's, imported on first use. What could run for long or reach out is replaced or refused:
patterns are RE2's, references stay inside the schema, equality of items is decided in linear time, and a value of more
than ``MAX_VALUES`` parts is refused before it is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, TypeAlias, cast

import orjson

from pbhost.errors import JSON, FieldError

from .jsontext import spell_json
from .patterns import InvalidPattern, compile_pattern, matches

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

#: Bytes of a schema as JSON.
MAX_SCHEMA = 64 << 10
MAX_SCHEMA_DEPTH = 64
#: Members, items and scalars of a value that is checked: some hundred milliseconds of work in the writer's thread.
MAX_VALUES = 20_000
MAX_VALUE_DEPTH = 100
_MAX_MESSAGE = 300

JsonSchema: TypeAlias = "bool | dict[str, JSON]"

#: Keys below which stand values rather than schemas.
_VALUES = frozenset(("const", "enum", "default", "examples", "required", "type"))
#: Keys below which stand schemas by name.
_MAPS = frozenset(("properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"))
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)*", re.ASCII)
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class InvalidSchema(ValueError):
    """The JSON is no usable schema; the message says where and why."""


class CompiledSchema:
    """A schema ready to check values.

    Args:
        schema: as it stands in the field's options.

    Raises:
        InvalidSchema: it is none, too large, or uses what is not supported.
    """

    def __init__(self, schema: JsonSchema) -> None:
        self._validator = _compile(schema)

    def error(self, value: JSON) -> FieldError | None:
        """The first violation: its place as a JSON pointer in ``params.path``, the violated keyword beside it."""
        if not _is_bounded(value):
            return _violation("", "", f"More than {MAX_VALUES} values, or nested deeper than {MAX_VALUE_DEPTH} levels.")
        try:
            found = next(self._validator.iter_errors(value), None)
        except RecursionError:
            return _violation("", "$ref", "The schema refers to itself without end.")
        if found is None:
            return None
        path = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in found.absolute_path)
        return _violation(path, str(found.validator), found.message)


def _violation(path: str, keyword: str, message: str) -> FieldError:
    if len(message) > _MAX_MESSAGE:
        message = message[:_MAX_MESSAGE] + "…"
    params: dict[str, JSON] = {"path": path, "keyword": keyword}
    return FieldError("validation_json_schema", f"{path}: {message}" if path else message, params)


# -- schemas -----------------------------------------------------------------------------------------------------------


def _compile(schema: JsonSchema) -> Validator:
    from jsonschema import FormatChecker, validators
    from jsonschema.exceptions import SchemaError
    from referencing import Registry

    try:
        size = len(orjson.dumps(schema))
    except TypeError as error:
        raise InvalidSchema("it is no JSON value") from error
    if size > MAX_SCHEMA:
        raise InvalidSchema(f"it is larger than {MAX_SCHEMA} bytes")
    plain = schema
    if isinstance(schema, dict):
        # Under its own id a schema would be looked up; it is complete in itself.
        plain = {key: value for key, value in schema.items() if key not in ("$id", "id")}
    draft = plain.get("$schema") if isinstance(plain, dict) else None
    base = validators.validator_for(plain if draft is not None else True, default=validators.Draft202012Validator)
    known = cast("Mapping[str, JSON]", base.META_SCHEMA).get("$schema")
    if draft is not None and str(draft).rstrip("#") != str(known).rstrip("#"):
        raise InvalidSchema("its $schema is not known")
    references = list(_inspect(plain))
    try:
        base.check_schema(cast("dict[str, object]", plain))
    except SchemaError as error:
        place = "/".join(map(str, error.absolute_path))
        raise InvalidSchema(f"{place}: {error.message}"[:_MAX_MESSAGE]) from None
    except RecursionError:
        raise InvalidSchema("it is nested too deep") from None
    formats = FormatChecker(formats=("ipv4", "ipv6", "uuid"))
    for name, check in _FORMATS.items():
        formats.checks(name)(check)
    extend = cast("Callable[[object, object], Callable[..., object]]", validators.extend)
    kind = extend(base, _KEYWORDS)
    # An empty registry fetches nothing: what is not in the schema does not exist.
    validator = cast("Validator", kind(plain, format_checker=formats, registry=Registry()))
    _resolve(plain, base, references)
    return validator


def _resolve(schema: JsonSchema, base: type[Validator], references: Iterable[str]) -> None:
    from referencing import Registry, Resource
    from referencing.exceptions import NoSuchResource, PointerToNowhere, Unresolvable
    from referencing.jsonschema import DRAFT202012, specification_with

    dialect = cast("Mapping[str, JSON]", base.META_SCHEMA).get("$schema")
    specification = specification_with(str(dialect), default=DRAFT202012)
    resource: Resource[object] = specification.create_resource(schema)
    resolver = Registry().with_resource("", resource).crawl().resolver()
    for reference in references:
        try:
            resolver.lookup(reference)
        except (Unresolvable, NoSuchResource, PointerToNowhere):
            raise InvalidSchema(f"the reference {reference[:100]!r} leads nowhere") from None


def _inspect(schema: JSON) -> Iterator[str]:
    """The references of a schema.

    Raises:
        InvalidSchema: something in it is not supported.
    """
    has_patterns = has_unevaluated = False
    stack: list[tuple[JSON, int]] = [(schema, 0)]
    while stack:
        node, depth = stack.pop()
        if depth > MAX_SCHEMA_DEPTH:
            raise InvalidSchema(f"it is nested deeper than {MAX_SCHEMA_DEPTH} levels")
        if isinstance(node, list):
            stack += [(item, depth + 1) for item in node]
        if not isinstance(node, dict):
            continue
        for key, value in node.items():
            if key in _VALUES:
                continue
            if key in ("$ref", "$dynamicRef", "$recursiveRef") and isinstance(value, str):
                if not value.startswith("#"):
                    raise InvalidSchema("references must begin with #: nothing is fetched from elsewhere")
                yield value
            elif key in ("$id", "id") and isinstance(value, str):
                raise InvalidSchema(f"{key} may only stand at the top")
            elif key == "pattern" and isinstance(value, str):
                _check_pattern(value)
            elif key in _MAPS and isinstance(value, dict):
                if key == "patternProperties":
                    has_patterns = True
                    for pattern in value:
                        _check_pattern(pattern)
                stack += [(item, depth + 1) for item in value.values()]
            else:
                has_unevaluated = has_unevaluated or key == "unevaluatedProperties"
                stack.append((value, depth + 1))
    if has_patterns and has_unevaluated:
        raise InvalidSchema("patternProperties and unevaluatedProperties cannot be combined")


def _check_pattern(pattern: str) -> None:
    try:
        compile_pattern(pattern)
    except InvalidPattern as error:
        raise InvalidSchema(f"the pattern {pattern[:100]!r} is not supported: {error}") from None


# -- keywords ----------------------------------------------------------------------------------------------------------

Keyword: TypeAlias = "Callable[[Validator, JSON, JSON, Mapping[str, JSON]], Iterator[object]]"


def _pattern(validator: Validator, pattern: JSON, value: JSON, _schema: Mapping[str, JSON]) -> Iterator[object]:
    if isinstance(value, str) and not matches(str(pattern), value):
        yield _error(f"does not match {pattern!r}")


def _pattern_properties(
    validator: Validator, patterns: JSON, value: JSON, _schema: Mapping[str, JSON]
) -> Iterator[object]:
    if isinstance(value, dict) and isinstance(patterns, dict):
        for pattern, below in patterns.items():
            for key, item in value.items():
                if matches(pattern, key):
                    yield from _descend(validator, item, below, path=key, schema_path=pattern)


def _additional_properties(
    validator: Validator, allowed: JSON, value: JSON, schema: Mapping[str, JSON]
) -> Iterator[object]:
    if not isinstance(value, dict):
        return
    named, patterns = schema.get("properties"), schema.get("patternProperties")
    known = named if isinstance(named, dict) else {}
    for key, item in value.items():
        if key in known or (isinstance(patterns, dict) and any(matches(pattern, key) for pattern in patterns)):
            continue
        if allowed is False:
            yield _error(f"{key[:100]!r} is not expected")
        elif isinstance(allowed, dict):
            yield from _descend(validator, item, allowed, path=key)


def _unique_items(validator: Validator, wanted: JSON, value: JSON, _schema: Mapping[str, JSON]) -> Iterator[object]:
    if wanted and isinstance(value, list) and len({spell_json(item) for item in value}) != len(value):
        yield _error("has items that are not unique")


_KEYWORDS: Mapping[str, Keyword] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
}


def _error(message: str) -> object:
    from jsonschema import ValidationError

    return ValidationError(message)


def _descend(
    validator: Validator, value: JSON, schema: JSON, *, path: str, schema_path: str | None = None
) -> Iterator[object]:
    # `descend` is what custom keywords are meant to call, but the Protocol of jsonschema leaves it out.
    descend = cast("Callable[..., Iterator[object]]", validator.descend)  # type: ignore[attr-defined]
    return descend(value, schema, path=path, schema_path=schema_path)


def _is_date(value: object) -> bool:
    if not isinstance(value, str):
        return True
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return len(value) == len("YYYY-MM-DD")


def _is_date_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    if not _DATE_TIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value[:10] + "T" + value[11:19])
    except ValueError:
        return False
    return True


def _is_email(value: object) -> bool:
    return not isinstance(value, str) or (len(value) <= 320 and _EMAIL.fullmatch(value) is not None)


_FORMATS: Mapping[str, Callable[[object], bool]] = {
    "date": _is_date,
    "date-time": _is_date_time,
    "email": _is_email,
}


# -- values ------------------------------------------------------------------------------------------------------------


def _is_bounded(value: JSON) -> bool:
    count = 0
    level: list[JSON] = [value]
    for _ in range(MAX_VALUE_DEPTH):
        count += len(level)
        if count > MAX_VALUES:
            return False
        below: list[JSON] = []
        for item in level:
            if isinstance(item, dict):
                below += item.values()
            elif isinstance(item, list):
                below += item
        if not below:
            return True
        level = below
    return False
