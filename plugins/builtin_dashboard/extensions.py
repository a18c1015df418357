"""What plugins add to the interface: a script each, run by it, and further files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pbhost.errors import PluginError
from pbhost.services import DashboardExtension

_NAME = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_MAIN = "main.js"


class Extensions:
    """The extensions of one application, a later one replacing an earlier one of the same name.

    Raises:
        PluginError: a name that cannot stand in an address.
    """

    def __init__(self, extensions: Sequence[DashboardExtension]) -> None:
        self._roots: dict[str, Path] = {}
        for extension in extensions:
            if not _NAME.fullmatch(extension.name):
                raise PluginError(
                    f"the dashboard extension {extension.name!r} needs a name of letters, digits, '-' and '_' only"
                )
            self._roots.pop(extension.name, None)
            self._roots[extension.name] = extension.directory

    def script(self) -> str:
        """The main scripts of all extensions, each in a function of its own; "" if there are none. Blocking."""
        parts: list[str] = []
        for root in self._roots.values():
            main = root / _MAIN
            if main.is_file():
                parts.append(f"await (async function(){{\n{main.read_text('utf-8')}\n}})();\n")
        return "".join(parts)

    def file(self, name: str, path: str) -> Path | None:
        """A file of an extension, None if there is none there. Never one outside of its directory. Blocking."""
        root = self._roots.get(name)
        if root is None or "\x00" in path or "\\" in path:
            return None
        root = root.resolve()
        target = (root / path.lstrip("/")).resolve()
        return target if root in target.parents and target.is_file() else None
