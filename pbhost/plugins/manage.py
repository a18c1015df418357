"""Switching plugins on and off in ``pbhost.toml``, and checking one that is installed."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from pbhost.errors import ConfigError, PbhostError
from pbhost.plugins.discovery import ENTRY_POINT_GROUP
from pbhost.validation import closest

if TYPE_CHECKING:
    from pbhost.config import PluginsConfig

_BLOCK = re.compile(r"^[ \t]*block[ \t]*=[ \t]*\[[^\]]*\]", re.MULTILINE)
_PLUGINS = re.compile(r"^[ \t]*\[plugins\][^\n]*\n?", re.MULTILINE)
_NEXT_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)


def write_block(file: Path, names: list[str]) -> None:
    """Sets ``plugins.block`` in a configuration file; everything else in it, comments too, stays as it is.

    Raises:
        ConfigError: the result would not say what it should (an unusual spelling); the file is unchanged.
    """
    import os
    import tomllib

    text = file.read_text("utf-8") if file.is_file() else ""
    line = f"block = [{', '.join(_quoted(name) for name in names)}]"
    table = _PLUGINS.search(text)
    if table is None:
        changed = f"{text.rstrip()}\n\n[plugins]\n{line}\n".lstrip()
    else:
        following = _NEXT_TABLE.search(text, table.end())
        end = following.start() if following else len(text)
        body = text[table.end() : end]
        found = _BLOCK.search(body)
        body = body[: found.start()] + line + body[found.end() :] if found else f"{line}\n{body}"
        head = text[: table.end()]
        changed = (head if head.endswith("\n") else head + "\n") + body + text[end:]
    try:
        before, after = tomllib.loads(text), tomllib.loads(changed)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file.name}: set plugins.block = {names} by hand: {error}") from error
    before.setdefault("plugins", {})["block"] = names
    if before != after:
        raise ConfigError(f"{file.name}: set plugins.block = {names} by hand, it is spelled in an unusual way")
    draft = file.with_name(f".{file.name}.new")
    draft.write_text(changed, "utf-8")
    if file.exists():
        draft.chmod(file.stat().st_mode & 0o777)
    os.replace(draft, file)


def _quoted(name: str) -> str:
    import json

    return json.dumps(name, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a check: what was looked at, whether it is all right, and why not."""

    subject: str
    ok: bool
    detail: str = ""


def check_plugin(name: str, config: PluginsConfig) -> list[Finding]:
    """What can be said of an installed plugin without starting a server.

    Raises:
        ConfigError: no plugin of that name is installed.
    """
    from pbhost.plugins.discovery import discover
    from pbhost.plugins.loading import import_plugin, load
    from pbhost.plugins.registry import PluginRegistry

    unblocked = _everything(config)
    candidates = {candidate.name: candidate for candidate in discover(unblocked)}
    candidate = candidates.get(name)
    if candidate is None:
        near = closest(name, candidates)
        raise ConfigError(
            f"no plugin is named {name!r}; " + (f"did you mean {near!r}?" if near else "install it first")
        )
    findings = _metadata(name) if candidate.source == "package" else []
    registry = PluginRegistry(unblocked)
    for other in candidates.values():
        if other.source != "built-in" and other is not candidate:
            # The plugin may implement hooks that another one defines; whether that one is fine is not asked here.
            with suppress(PbhostError):
                registry.define_hooks(import_plugin(other))
    try:
        loaded = load(candidate, registry.manager.hook)
    except PbhostError as error:
        return [*findings, Finding("import and hooks", ok=False, detail=str(error))]
    findings.append(Finding("import and hooks", ok=True))
    if loaded.schema is not None:
        import jsonschema

        try:
            jsonschema.validators.validator_for(loaded.schema).check_schema(dict(loaded.schema))
            findings.append(Finding("configuration schema", ok=True))
        except jsonschema.SchemaError as error:
            findings.append(Finding("configuration schema", ok=False, detail=error.message))
    try:
        registry.add(loaded)
        findings.append(Finding("version range and options", ok=True, detail=loaded.requires_pbhost or "any pbhost"))
    except PbhostError as error:
        findings.append(Finding("version range and options", ok=False, detail=str(error)))
    return findings


def _everything(config: PluginsConfig) -> PluginsConfig:
    from dataclasses import replace

    return replace(config, only=(), block=())


def _metadata(name: str) -> list[Finding]:
    point = next((p for p in metadata.entry_points(group=ENTRY_POINT_GROUP) if p.name == name), None)
    facts = point.dist.metadata if point is not None and point.dist is not None else None
    if facts is None:
        return [Finding("metadata", ok=False, detail="its distribution cannot be found")]
    missing = [key for key in ("Summary", "Requires-Python") if key not in facts]
    licence = next((facts[key] for key in ("License-Expression", "License") if key in facts), "")
    needs = [need for need in facts.get_all("Requires-Dist") or [] if re.match(r"pbhost\b(?!-)", need)]
    return [
        Finding("metadata", ok=not missing, detail=f"missing: {', '.join(missing)}" if missing else ""),
        Finding("licence", ok=bool(licence), detail=licence or 'state one: license = "MIT"'),
        Finding("dependency on pbhost", ok=bool(needs), detail=", ".join(needs) or "add pbhost to dependencies"),
    ]
