"""What ``pbhost plugins`` and ``pbhost config`` print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from pbhost.config import OPTIONS
from pbhost.errors import JSON

if TYPE_CHECKING:
    from pbhost.app import App
    from pbhost.config import Config
    from pbhost.plugins import PluginRegistry


def print_plugins(app: App, *, as_json: bool) -> None:
    """The loaded plugins in load order."""
    described = app.plugins.describe(app.hooks)
    if as_json:
        click.echo(json.dumps({"plugins": described}, indent=2))
        return
    for plugin in described:
        title = click.style(str(plugin["name"]), bold=True)
        click.echo(f"{title} {plugin['version']}  ({plugin['source']}: {plugin['where']})")
        if plugin["description"]:
            click.echo(f"  {plugin['description']}")
        services = cast("list[str]", plugin["services"])
        if services:
            click.echo(f"  provides: {', '.join(services)}")
        hooks = cast("list[dict[str, JSON]]", plugin["hooks"])
        shown = [f"{hook['hook']} ({hook['order']})" for hook in hooks if not str(hook["hook"]).startswith("provide_")]
        if shown:
            click.echo(f"  hooks:    {', '.join(shown)}")
    click.echo("\nThe number behind a hook is its place in the order of calls. Hooks: docs/hooks.md")


def print_config(config: Config, plugins: PluginRegistry, *, as_json: bool) -> None:
    """The effective configuration."""
    from pbhost.plugins.options import redacted

    values: dict[str, JSON] = {option.key: _value(config, option.key) for option in OPTIONS}
    tables: dict[str, JSON] = {
        plugin.name: redacted(plugin.options, plugin.secrets) for plugin in plugins if plugin.options
    }
    if as_json:
        click.echo(json.dumps({"options": values, "plugins": tables}, indent=2))
        return
    click.echo(f"# file: {config.config_file or 'none (pbhost.toml in the working directory is read if it exists)'}")
    for option in OPTIONS:
        click.echo(
            f"{option.key:<17} = {json.dumps(values[option.key]):<34} # {option.env}, {option.flag}: {option.help}"
        )
    for name, table in tables.items():
        click.echo(f"\n[plugins.{name}]")
        for key, value in cast("dict[str, JSON]", table).items():
            click.echo(f"{key} = {json.dumps(value)}")


def _value(config: Config, key: str) -> JSON:
    holder: object = config
    for part in key.split("."):
        holder = getattr(holder, part)
    if isinstance(holder, Path):
        return str(holder)
    return list(holder) if isinstance(holder, tuple) else cast(JSON, holder)
