"""What the commands of one command line share."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pbhost.config import Config, load_config

if TYPE_CHECKING:
    from pbhost.app import App
    from pbhost.plugins import PluginRegistry


class Invocation:
    """Flags, configuration and application; plugins are loaded only by the commands that need them."""

    def __init__(self, flags: dict[str, object], file: Path | None) -> None:
        self.flags = flags
        self.file = file

    @cached_property
    def config(self) -> Config:
        """The configuration."""
        return load_config(self.flags, file=self.file)

    @cached_property
    def plugins(self) -> PluginRegistry:
        """The loaded plugins."""
        from pbhost.plugins import load_plugins

        return load_plugins(self.config.plugins)

    @cached_property
    def app(self) -> App:
        """An application that is not started."""
        from pbhost.app import App

        return App(self.config, self.plugins)
