"""Where plugins are found, in load order: built-ins, other entry points, ``pb_plugins/``, ``--plugin``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal, TypeAlias

from pbhost.config import PluginsConfig
from pbhost.errors import ConfigError, PluginError
from pbhost.services import SERVICES
from pbhost.validation import closest

ENTRY_POINT_GROUP = "pbhost.plugins"
DISTRIBUTION = "pbhost"

Source: TypeAlias = Literal["built-in", "package", "file", "flag"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plugin that was found but not imported yet.

    Attributes:
        name: its short name, unique.
        target: ``module`` or ``module:object`` to import; empty for a file.
        path: the file or package directory in ``pb_plugins/``.
        version: of the distribution that brings it; "" if there is none.
        distribution: name of that distribution.
    """

    name: str
    source: Source
    target: str = ""
    path: Path | None = None
    version: str = ""
    distribution: str = ""

    @property
    def where(self) -> str:
        """Where it comes from, as messages show it."""
        if self.path is not None:
            return f"{self.path.parent.name}/{self.path.name}"
        return f"{self.distribution} {self.version}".strip() or self.target


def discover(config: PluginsConfig) -> list[Candidate]:
    """Everything that may be loaded, in order, after ``only`` and ``block``.

    Raises:
        ConfigError: ``only`` or ``block`` names something that does not exist.
        PluginError: two plugins of one name.
    """
    found = [*_entry_points(), *find_files(config.dir), *_flags(config.load)]
    # A plugin of pb_plugins/ or of a flag with the name of an earlier one stands in its place.
    by_name: dict[str, Candidate] = {}
    for candidate in found:
        earlier = by_name.get(candidate.name)
        if earlier is not None and earlier.source == candidate.source:
            raise PluginError(
                f"two plugins are named {candidate.name!r} ({earlier.where} and {candidate.where}): "
                f"uninstall or rename one of them"
            )
        by_name.pop(candidate.name, None)
        by_name[candidate.name] = candidate
    for key, names in (("only", config.only), ("block", config.block)):
        for name in names:
            if name not in by_name:
                near = closest(name, by_name)
                hint = f"did you mean {near!r}?" if near else f"there are: {', '.join(by_name)}"
                raise ConfigError(f"plugins.{key}: no plugin is named {name!r}; {hint}")
    only = set(config.only)
    return [
        candidate
        for candidate in by_name.values()
        if candidate.name not in config.block and (not only or candidate.name in only or candidate.source == "flag")
    ]


def _entry_points() -> Iterable[Candidate]:
    points = [
        Candidate(
            name=point.name,
            source="built-in" if point.dist is not None and point.dist.name == DISTRIBUTION else "package",
            target=point.value,
            version=point.dist.version if point.dist is not None else "",
            distribution=point.dist.name if point.dist is not None else "",
        )
        for point in metadata.entry_points(group=ENTRY_POINT_GROUP)
    ]
    # The built-ins stand in the order of the services that they provide; packaging tools sort or keep entry points as
    # they like, and an order must not depend on them.
    order = {name: place for place, name in enumerate(dict.fromkeys(SERVICES.values()))}
    return sorted(points, key=lambda point: (point.source != "built-in", order.get(point.name, len(order)), point.name))


def find_files(directory: Path) -> list[Candidate]:
    """The plugins of a directory, files and packages, by name; a name that starts with ``_`` or ``.`` is left out."""
    if not directory.is_dir():
        return []
    found: list[Candidate] = []
    for path in sorted(directory.iterdir()):
        if path.name.startswith(("_", ".")):
            continue
        if path.suffix == ".py" and path.is_file():
            name = path.stem
        elif (path / "__init__.py").is_file():
            name = path.name
        else:
            continue
        if not name.isidentifier():
            raise PluginError(
                f"plugin file {directory.name}/{path.name}: rename it, its name must be a Python name "
                f"(letters, digits, _)"
            )
        found.append(Candidate(name=name, source="file", path=path))
    return found


def _flags(targets: Iterable[str]) -> Iterable[Candidate]:
    for target in targets:
        module, _, attribute = target.partition(":")
        name = (attribute or module).rpartition(".")[2]
        yield Candidate(name=name, source="flag", target=target)
