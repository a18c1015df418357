"""What can be said of an installed plugin without starting a server: for ``pbhost plugin check``."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import metadata
from typing import TYPE_CHECKING, Literal, TypeAlias

from pbhost.errors import ConfigError, PbhostError
from pbhost.hooks import PbhostDeprecationWarning
from pbhost.plugins.discovery import ENTRY_POINT_GROUP, Candidate, discover
from pbhost.plugins.loading import LoadedPlugin, import_plugin, load
from pbhost.plugins.registry import PluginRegistry
from pbhost.services import SERVICES
from pbhost.validation import closest

if TYPE_CHECKING:
    from pbhost.config import PluginsConfig

#: Fine, wrong, or something that was not looked at or that will be wrong later.
Verdict: TypeAlias = Literal["ok", "FAIL", "note"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line of a check: what was looked at, what came of it, and why."""

    subject: str
    verdict: Verdict
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CheckedPlugin:
    """A plugin that was looked at.

    Attributes:
        plugin: None if it does not even load.
        replaces: the services it provides.
    """

    candidate: Candidate
    plugin: LoadedPlugin | None
    results: tuple[CheckResult, ...]
    replaces: tuple[str, ...] = ()


def check_plugin(name: str, config: PluginsConfig) -> CheckedPlugin:
    """Looks at metadata, licence, version range, hooks and options of a plugin.

    Raises:
        ConfigError: no plugin of that name is installed.
    """
    # What is switched off can be checked too, and what else is wrong in the configuration is not asked here.
    config = replace(config, only=(), block=())
    candidates = {candidate.name: candidate for candidate in discover(config)}
    candidate = candidates.get(name)
    if candidate is None:
        near = closest(name, candidates)
        raise ConfigError(
            f"no plugin is named {name!r}; " + (f"did you mean {near!r}?" if near else "install it first")
        )
    results = [*_metadata(name)] if candidate.source == "package" else []
    registry = PluginRegistry(config)
    for other in candidates.values():
        if other.source != "built-in" and other is not candidate:
            # The plugin may implement hooks that another one defines; whether that one is fine is not asked here.
            with suppress(PbhostError):
                registry.define_hooks(import_plugin(other))
    try:
        loaded = load(candidate, registry.manager.hook)
    except PbhostError as error:
        return CheckedPlugin(candidate, None, (*results, CheckResult("import and hooks", "FAIL", str(error))))
    results.append(CheckResult("import and hooks", "ok"))
    results += _schema(loaded)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PbhostDeprecationWarning)
            registry.add(loaded)
    except PbhostError as error:
        results.append(CheckResult("version range and options", "FAIL", str(error)))
        return CheckedPlugin(candidate, loaded, tuple(results))
    results.append(CheckResult("version range and options", "ok", loaded.requires_pbhost or "any pbhost"))
    results += [CheckResult("deprecated hooks", "note", line) for line in loaded.deprecations]
    unknown = [service for service in loaded.requires_services if service not in SERVICES]
    if unknown:
        results.append(CheckResult("required services", "FAIL", f"there is no service {', '.join(unknown)}"))
    replaces = tuple(service for service in SERVICES if name in registry.providers(service))
    return CheckedPlugin(candidate, loaded, tuple(results), replaces)


def _schema(plugin: LoadedPlugin) -> Iterator[CheckResult]:
    if plugin.schema is None:
        return
    import jsonschema

    try:
        jsonschema.validators.validator_for(plugin.schema).check_schema(dict(plugin.schema))
    except jsonschema.SchemaError as error:
        yield CheckResult("configuration schema", "FAIL", error.message)
    else:
        yield CheckResult("configuration schema", "ok")


def _metadata(name: str) -> Iterator[CheckResult]:
    point = next((p for p in metadata.entry_points(group=ENTRY_POINT_GROUP) if p.name == name), None)
    facts = point.dist.metadata if point is not None and point.dist is not None else None
    if facts is None:
        yield CheckResult("metadata", "FAIL", "its distribution cannot be found")
        return
    missing = [key for key in ("Summary", "Requires-Python") if key not in facts]
    yield CheckResult("metadata", "FAIL" if missing else "ok", f"missing: {', '.join(missing)}" if missing else "")
    licence = next((facts[key] for key in ("License-Expression", "License") if key in facts), "")
    yield CheckResult("licence", "ok" if licence else "FAIL", licence or 'state one: license = "MIT"')
    needs = [need for need in facts.get_all("Requires-Dist") or [] if re.match(r"pbhost(?![\w.-])", need)]
    yield CheckResult(
        "dependency on pbhost", "ok" if needs else "FAIL", ", ".join(needs) or "add pbhost to dependencies"
    )
