"""Installing plugins into the environment of this pbhost, and taking them out again, with pip."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Sequence
from importlib import invalidate_caches, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from pbhost.errors import ConfigError, PluginError
from pbhost.plugins.discovery import DISTRIBUTION, ENTRY_POINT_GROUP, find_files
from pbhost.services import SERVICES
from pbhost.validation import closest

if TYPE_CHECKING:
    from pbhost.config import PluginsConfig


def install(requirements: Sequence[str]) -> list[str]:
    """Installs what pip finds for the requirements, without changing pbhost itself; returns the plugins it brought.

    Args:
        requirements: as ``pip install`` takes them, its options included.

    Raises:
        PluginError: pip refused (it has said why), or what was installed is no plugin.
    """
    from pbhost import __version__

    _check_environment()
    with tempfile.TemporaryDirectory(prefix="pbhost-pip-") as scratch:
        report, constraint = Path(scratch, "report.json"), Path(scratch, "constraint.txt")
        constraint.write_text(f"{DISTRIBUTION}=={__version__}\n", "utf-8")
        _pip("install", "--report", str(report), "--constraint", str(constraint), *requirements)
        asked = _asked(report)
    invalidate_caches()
    plugins = _plugins_by_distribution()
    names = [name for distribution in asked for name in plugins.get(distribution, ())]
    strangers = [distribution for distribution in asked if distribution not in plugins]
    if strangers:
        raise PluginError(
            f"{', '.join(strangers)}: installed, but no pbhost plugin (no entry point of the group "
            f"{ENTRY_POINT_GROUP!r}); 'pip uninstall {' '.join(strangers)}' takes it out again"
        )
    return names


def uninstall(names: Sequence[str], config: PluginsConfig) -> list[str]:
    """Uninstalls the distributions of plugins; returns the plugins that went with them.

    Args:
        names: of plugins or of their distributions.

    Raises:
        ConfigError: one is no installed plugin, or comes with pbhost, or is a file.
        PluginError: pip refused; it has said why.
    """
    plugins = _plugins_by_distribution()
    distributions = list(dict.fromkeys(_distribution_of(name, plugins, config) for name in names))
    _check_environment()
    _pip("uninstall", "--yes", *distributions)
    return [plugin for distribution in distributions for plugin in plugins[distribution]]


def _distribution_of(name: str, plugins: dict[str, list[str]], config: PluginsConfig) -> str:
    owners = {plugin: distribution for distribution, names in plugins.items() for plugin in names}
    found = owners.get(name) or canonicalize_name(name)
    if found == DISTRIBUTION or name in SERVICES.values():
        raise ConfigError(
            f"{name!r} comes with pbhost and cannot be uninstalled; 'pbhost plugin disable NAME' switches a plugin off"
        )
    if found in plugins:
        return found
    for candidate in find_files(config.dir):
        if candidate.name == name:
            raise ConfigError(f"{name!r} is a file, not a distribution: remove {candidate.where}")
    near = closest(name, (*owners, *plugins))
    hint = f"; did you mean {near!r}?" if near else ""
    raise ConfigError(f"no installed plugin or distribution of one is named {name!r}{hint}")


def _plugins_by_distribution() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for point in metadata.entry_points(group=ENTRY_POINT_GROUP):
        if point.dist is not None:
            found.setdefault(canonicalize_name(point.dist.name), []).append(point.name)
    return found


def _asked(report: Path) -> list[str]:
    """The distributions that pip was asked for, not what they depend on; none that were there already."""
    installed = json.loads(report.read_text("utf-8")).get("install", [])
    return [canonicalize_name(item["metadata"]["name"]) for item in installed if item.get("requested")]


def _check_environment() -> None:
    """Says what is the matter where pip would only fail.

    Raises:
        PluginError: there is no pip, or the system's packages are not pip's business.
    """
    if sys.prefix == sys.base_prefix and Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").exists():
        raise PluginError(
            f"this pbhost runs in the Python of the system ({sys.prefix}), whose packages the system manages: install "
            f"pbhost and its plugins into an environment of their own: python3 -m venv pbhost-env && "
            f"pbhost-env/bin/pip install pbhost"
        )
    if find_spec("pip") is None:
        raise PluginError(
            f"the environment of this pbhost ({sys.prefix}) has no pip: run '{sys.executable} -m ensurepip', or "
            f"install with the tool that made it: 'pipx inject pbhost NAME', "
            f"'uv pip install --python {sys.executable} NAME'"
        )


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    code = subprocess.run(command, check=False).returncode  # noqa: S603  # no shell; the user's own arguments
    if code:
        raise PluginError(f"pip {arguments[0]} failed with exit code {code}; what it says stands above")


def mentions(names: Iterable[str], config: PluginsConfig) -> list[str]:
    """Where the configuration still speaks of plugins, which would stop the next start."""
    lines = []
    for name in names:
        places = [
            f"plugins.{key}" for key, listed in (("only", config.only), ("block", config.block)) if name in listed
        ]
        places += [f"[plugins.{name}]"] if name in config.tables else []
        if places:
            lines.append(
                f"remove {name!r} from {' and '.join(places)} in the configuration: the server refuses to start"
            )
    return lines
