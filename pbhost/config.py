"""The configuration: defaults, then ``pbhost.toml``, then ``PBHOST_*`` variables, then flags; the later wins.

:data:`OPTIONS` is the one list of what can be configured: file keys, variables, flags and the documentation come from
it. A plugin's own options stand in the table ``[plugins.<name>]``; the plugin's JSON Schema decides what may stand
there.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal, TypeAlias, cast

from pbhost.errors import JSON, ConfigError
from pbhost.validation import closest

Kind: TypeAlias = Literal["text", "path", "switch", "integer", "seconds", "list"]
Value: TypeAlias = "str | Path | bool | int | float | tuple[str, ...]"

CONFIG_FILE: Final = "pbhost.toml"
_ENV_PREFIX: Final = "PBHOST_"


@dataclass(frozen=True, slots=True)
class Option:
    """One option: ``key`` in the file, ``PBHOST_KEY`` in the environment, ``flag`` on the command line."""

    key: str
    kind: Kind
    help: str
    flag: str

    @property
    def env(self) -> str:
        """The environment variable."""
        return _ENV_PREFIX + self.key.upper().replace(".", "_")


OPTIONS: Final[tuple[Option, ...]] = (
    Option("dir", "path", "the data directory", "--dir"),
    Option("http", "text", "address and port to listen on", "--http"),
    Option(
        "origins", "list", "origins allowed by CORS (exact, '*', or patterns like https://*.example.com)", "--origins"
    ),
    Option("workers", "integer", "number of server processes that share the port", "--workers"),
    Option("public_dir", "path", "directory of static files served at /", "--public-dir"),
    Option("index_fallback", "switch", "serve index.html for unknown paths of the static files", "--index-fallback"),
    Option("migrations_dir", "path", "directory of the migrations in Python", "--migrations-dir"),
    Option(
        "automigrate", "switch", "write a migration for each change of a collection through the API", "--automigrate"
    ),
    Option("query_timeout", "seconds", "longest run of a read query, in seconds", "--query-timeout"),
    Option("hook_timeout", "seconds", "longest time a transaction stays open for asynchronous hooks", "--hook-timeout"),
    Option("hook_limit", "seconds", "longest time that one asynchronous hook may take", "--hook-limit"),
    Option("slow_hook", "seconds", "a hook that takes longer than this is named in the log", "--slow-hook"),
    Option("shutdown_timeout", "seconds", "time running requests get to end at shutdown", "--shutdown-timeout"),
    Option("encryption_env", "text", "name of the variable that holds the settings encryption key", "--encryption-env"),
    Option("dev", "switch", "development: reload pb_plugins/ when a file changes, log to the terminal", "--dev"),
    Option("trace_hooks", "switch", "print each hook call with its plugin and time", "--trace-hooks"),
    Option("plugins.dir", "path", "directory of single-file plugins and packages", "--plugins-dir"),
    Option("plugins.only", "list", "load only these plugins", "--only"),
    Option("plugins.block", "list", "do not load these plugins", "--block"),
    Option("plugins.load", "list", "further plugins, as module or module:object", "--plugin"),
)
_BY_KEY: Final = {option.key: option for option in OPTIONS}


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginsConfig:
    """Which plugins are loaded, and what each was told.

    Attributes:
        dir: where single-file plugins live.
        only: if not empty, nothing else is loaded.
        block: never loaded.
        load: further plugins, ``module`` or ``module:object``.
        tables: the unchecked options of each plugin by its name.
    """

    dir: Path
    only: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    load: tuple[str, ...] = ()
    tables: Mapping[str, Mapping[str, JSON]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole configuration of one process, read-only.

    Attributes:
        dir: the data directory, absolute.
        http: ``host:port``; port 0 lets the system choose.
        migrations_dir: where migrations are; None means none are applied or written.
        automigrate: whether changes of collections through the API are written down as migrations.
        query_timeout: seconds; longest read query.
        hook_timeout: seconds; longest time that a transaction may stay open for asynchronous hooks.
        hook_limit: seconds; longest time that one asynchronous hook may take before it counts as hanging.
        slow_hook: seconds; a hook that takes longer is named in the log.
        shutdown_timeout: seconds that running requests get at shutdown.
        encryption_env: name of the variable with the key of the stored settings, "" for none.
        worker: index of this worker process, 0 for the first or only one.
        runtime_dir: a directory shared by all workers of this server and nobody else, gone with it; None when there is
            one process only.
        config_file: what was read, None if there was no file.
    """

    dir: Path
    http: str = "127.0.0.1:8090"
    origins: tuple[str, ...] = ("*",)
    workers: int = 1
    public_dir: Path
    index_fallback: bool = True
    migrations_dir: Path | None = None
    automigrate: bool = True
    query_timeout: float = 30.0
    hook_timeout: float = 10.0
    hook_limit: float = 60.0
    slow_hook: float = 0.5
    shutdown_timeout: float = 1.0
    encryption_env: str = ""
    dev: bool = False
    trace_hooks: bool = False
    plugins: PluginsConfig
    worker: int = 0
    runtime_dir: Path | None = None
    config_file: Path | None = None

    def for_worker(self, index: int, runtime_dir: Path) -> Config:
        """The configuration of one of several worker processes."""
        return replace(self, worker=index, runtime_dir=runtime_dir)


def load_config(
    flags: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
    *,
    file: Path | None = None,
    directory: Path | None = None,
) -> Config:
    """The configuration from all its sources.

    Args:
        flags: values by option key; None and empty tuples mean "not given".
        environment: the variables, ``os.environ`` if None.
        file: the configuration file; None means ``PBHOST_CONFIG`` or ``pbhost.toml`` in ``directory``, if it exists.
        directory: what relative paths and the default file refer to; the working directory if None.

    Raises:
        ConfigError: an unreadable file, an unknown key (with the nearest known one), a value of the wrong type.
    """
    environment = os.environ if environment is None else environment
    directory = (directory or Path.cwd()).absolute()
    values: dict[str, Value] = {}
    tables: dict[str, dict[str, JSON]] = {}

    path = _find_file(file, environment, directory)
    if path is not None:
        _read_file(path, values, tables)
    _read_environment(environment, values, tables)
    for key, value in (flags or {}).items():
        if value is not None and value != ():
            values[key] = _typed(_BY_KEY[key], value, _BY_KEY[key].flag)
    return _build(values, tables, directory, path)


def _build(
    values: dict[str, Value], tables: Mapping[str, Mapping[str, JSON]], directory: Path, file: Path | None
) -> Config:
    def path(key: str, default: Path) -> Path:
        given = values.pop(key, None)
        return directory / given if isinstance(given, Path) else default

    data = path("dir", directory / "pb_data")
    plugins = PluginsConfig(
        dir=path("plugins.dir", data.parent / "pb_plugins"),
        only=cast("tuple[str, ...]", values.pop("plugins.only", ())),
        block=cast("tuple[str, ...]", values.pop("plugins.block", ())),
        load=cast("tuple[str, ...]", values.pop("plugins.load", ())),
        tables=tables,
    )
    public = path("public_dir", data.parent / "pb_public")
    migrations = path("migrations_dir", data.parent / "pb_migrations")
    places = {"dir": data, "public_dir": public, "migrations_dir": migrations}
    config = Config(**places, plugins=plugins, config_file=file, **values)  # type: ignore[arg-type]  # by kind
    if not 1 <= config.workers <= 64:
        raise ConfigError(f"workers must be between 1 and 64, not {config.workers}")
    parse_address(config.http)
    return config


def parse_address(text: str) -> tuple[str, int]:
    """``host:port`` as its parts; an empty host means all interfaces.

    Raises:
        ConfigError: not an address.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ConfigError(f"http must be host:port, for instance 127.0.0.1:8090, not {text!r}")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104  # an explicit choice of the user


def _find_file(file: Path | None, environment: Mapping[str, str], directory: Path) -> Path | None:
    named = file or (Path(environment["PBHOST_CONFIG"]) if environment.get("PBHOST_CONFIG") else None)
    if named is None:
        default = directory / CONFIG_FILE
        return default if default.is_file() else None
    path = directory / named
    if not path.is_file():
        raise ConfigError(f"the configuration file {named} does not exist")
    return path


def _read_file(path: Path, values: dict[str, Value], tables: dict[str, dict[str, JSON]]) -> None:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path.name} cannot be read: {error}") from error
    flat: dict[str, object] = {}
    for key, value in content.items():
        if key == "plugins" and isinstance(value, dict):
            for name, item in value.items():
                if isinstance(item, dict):
                    tables[name] = cast("dict[str, JSON]", _json_value(item))
                else:
                    flat[f"plugins.{name}"] = item
        else:
            flat[key] = value
    for key, value in flat.items():
        option = _BY_KEY.get(key)
        if option is None:
            near = closest(key, _BY_KEY)
            hint = f"; did you mean {near!r}?" if near else ""
            raise ConfigError(f"{path.name}: unknown key {key!r}{hint}")
        typed = _typed(option, value, f"{path.name}: {key}")
        # Paths of the file are relative to the file, those of variables and flags to the working directory.
        values[key] = path.parent / typed if isinstance(typed, Path) else typed


def _read_environment(
    environment: Mapping[str, str], values: dict[str, Value], tables: dict[str, dict[str, JSON]]
) -> None:
    known = {option.env: option for option in OPTIONS}
    for name, text in environment.items():
        if not name.startswith(_ENV_PREFIX) or name == "PBHOST_CONFIG" or not text:
            continue
        if "__" in name:
            # PBHOST_FILES__URL is the option ``url`` of the plugin ``files``.
            plugin, _, option_name = name.removeprefix(_ENV_PREFIX).lower().partition("__")
            _put(tables.setdefault(plugin, {}), option_name.split("__"), _from_text(text))
        elif name in known:
            values[known[name].key] = _typed(known[name], text, name)
        elif near := closest(name, known):
            raise ConfigError(f"unknown variable {name}; did you mean {near}?")


def _put(table: dict[str, JSON], path: list[str], value: JSON) -> None:
    for part in path[:-1]:
        below = table.setdefault(part, {})
        if not isinstance(below, dict):
            below = table[part] = {}
        table = below
    table[path[-1]] = value


def _from_text(text: str) -> JSON:
    """The value of a plugin option from a variable: JSON where it reads as a number, boolean, list or object."""
    import json

    if text[:1] in "[{0123456789-" or text in ("true", "false", "null"):
        try:
            return cast(JSON, json.loads(text))
        except ValueError:
            return text
    return text


_SWITCHES: Final = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


def _typed(option: Option, value: object, where: str) -> Value:
    match option.kind, value:
        case "text", str():
            return value
        case "path", str() | Path():
            return Path(value).expanduser()
        case "switch", bool():
            return value
        case "switch", str() if value.lower() in _SWITCHES:
            return _SWITCHES[value.lower()]
        case "integer", int() if not isinstance(value, bool):
            return value
        case "integer", str() if value.isascii() and value.isdigit():
            return int(value)
        case "seconds", int() | float() if not isinstance(value, bool) and value > 0:
            return float(value)
        case "seconds", str():
            try:
                seconds = float(value)
            except ValueError:
                seconds = -1.0
            if 0 < seconds < float("inf"):
                return seconds
        case "list", str():
            return tuple(part.strip() for part in value.split(",") if part.strip())
        case "list", list() | tuple() if all(isinstance(item, str) for item in value):
            return tuple(part.strip() for item in value for part in str(item).split(",") if part.strip())
        case _:
            pass
    expected = {"text": "text", "path": "a path", "switch": "true or false", "integer": "a whole number"}
    wanted = expected.get(option.kind) or ("a number of seconds" if option.kind == "seconds" else "a list of names")
    raise ConfigError(f"{where}: expected {wanted}, not {value!r}")


def _json_value(value: object) -> JSON:
    """TOML's values as JSON; its dates become text."""
    if isinstance(value, dict):
        return {str(key): _json_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json_value(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)
