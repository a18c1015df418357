"""A plugin's options: secrets fetched, defaults filled in, checked against its JSON Schema."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import cast

from pbhost.errors import JSON, ConfigError, PluginError

#: ``env:NAME`` and ``file:PATH`` stand for the content of a variable or file; ``file://…`` is a URL and stays one.
_REFERENCE = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)|file:(?!//)(.+)", re.DOTALL)

REDACTED = "******"


def check_options(
    plugin: str,
    schema: Mapping[str, JSON] | None,
    given: Mapping[str, JSON],
    environment: Mapping[str, str] | None = None,
) -> tuple[dict[str, JSON], frozenset[str]]:
    """The options of a plugin and the dotted paths of those that are secret.

    Args:
        plugin: its name, for messages.
        schema: its JSON Schema; None for a plugin without options.
        given: its table of the configuration.
        environment: where ``env:NAME`` looks; ``os.environ`` if None.

    Raises:
        ConfigError: an option is unknown, missing or not acceptable, or a secret cannot be fetched.
        PluginError: the schema itself is broken.
    """
    if schema is None:
        if given:
            raise ConfigError(f"plugins.{plugin}: this plugin takes no options, remove {', '.join(map(repr, given))}")
        return {}, frozenset()
    secrets: set[str] = set()
    environment = os.environ if environment is None else environment
    options = cast("dict[str, JSON]", _resolve(deepcopy(dict(given)), plugin, "", environment, secrets))
    _fill_defaults(options, schema)
    if given or schema.get("required"):
        # jsonschema costs most of a tenth of a second to import; a plugin without a table has valid defaults.
        _validate(plugin, schema, options, secrets)
    secrets.update(_write_only(schema, ""))
    return options, frozenset(secrets)


def redacted(options: Mapping[str, JSON], secrets: frozenset[str]) -> dict[str, JSON]:
    """Options as they may be shown."""

    def show(value: JSON, path: str) -> JSON:
        if path in secrets:
            return REDACTED if value else value
        if isinstance(value, dict):
            return {key: show(item, f"{path}.{key}".lstrip(".")) for key, item in value.items()}
        if isinstance(value, list):
            return [show(item, f"{path}.{index}") for index, item in enumerate(value)]
        return value

    return cast("dict[str, JSON]", show(dict(options), ""))


def _resolve(value: JSON, plugin: str, path: str, environment: Mapping[str, str], secrets: set[str]) -> JSON:
    if isinstance(value, dict):
        return {
            key: _resolve(item, plugin, f"{path}.{key}".lstrip("."), environment, secrets)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_resolve(item, plugin, f"{path}.{i}", environment, secrets) for i, item in enumerate(value)]
    matched = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    if matched is None:
        return value
    secrets.add(path)
    if matched[1]:
        if matched[1] not in environment:
            raise ConfigError(f"plugins.{plugin}.{path}: the environment variable {matched[1]} is not set")
        return environment[matched[1]]
    try:
        return Path(matched[2]).expanduser().read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"plugins.{plugin}.{path}: the file {matched[2]} cannot be read: {error}") from error


def _fill_defaults(options: dict[str, JSON], schema: Mapping[str, JSON]) -> None:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return
    for key, below in properties.items():
        if not isinstance(below, dict):
            continue
        if key not in options and "default" in below:
            options[key] = deepcopy(below["default"])
        nested = options.get(key)
        if isinstance(nested, dict):
            _fill_defaults(nested, below)


def _validate(plugin: str, schema: Mapping[str, JSON], options: Mapping[str, JSON], secrets: set[str]) -> None:
    import jsonschema

    validator_class = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        validator_class.check_schema(dict(schema))
    except jsonschema.SchemaError as error:
        raise PluginError(f"plugin {plugin!r}: its CONFIG_SCHEMA is not a JSON Schema: {error.message}") from error
    problem = jsonschema.exceptions.best_match(validator_class(schema).iter_errors(options))
    if problem is None:
        return
    path = ".".join(str(part) for part in problem.absolute_path)
    message = "the secret is not acceptable" if path in secrets else problem.message
    raise ConfigError(f"plugins.{plugin}{'.' + path if path else ''}: {message}")


def _write_only(schema: Mapping[str, JSON], path: str) -> Iterator[str]:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return
    for key, below in properties.items():
        if isinstance(below, dict):
            name = f"{path}.{key}".lstrip(".")
            if below.get("writeOnly") is True:
                yield name
            yield from _write_only(below, name)
