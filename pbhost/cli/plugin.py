"""``pbhost plugin``: making, installing, checking plugins, and switching them off and on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pbhost.config import CONFIG_FILE
from pbhost.errors import ConfigError

if TYPE_CHECKING:
    from pbhost.cli.root import Invocation


@click.group(name="plugin")
def plugin_group() -> None:
    """Make, install, check plugins; switch them off and on."""


@plugin_group.command(name="new")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(["logic", "storage", "auth-method", "field-type", "service"]),
    default="logic",
    show_default=True,
    help="what the plugin is to be",
)
def new_command(name: str, kind: str) -> None:
    """Write a complete distribution for a plugin NAME into ./pbhost-NAME."""
    from pbhost.plugins.scaffold import create_plugin

    for path in create_plugin(name, kind, Path.cwd()):
        click.echo(path)
    click.echo(f"\nNext: cd {path.parts[0]} && pip install -e '.[test]' && pytest && pbhost serve --dev")


@plugin_group.command(name="install")
@click.argument("requirements", nargs=-1, required=True)
def install_command(requirements: tuple[str, ...]) -> None:
    """Install plugins with pip, into the environment of this pbhost."""
    raise SystemExit(_pip("install", *requirements))


@plugin_group.command(name="uninstall")
@click.argument("distributions", nargs=-1, required=True)
def uninstall_command(distributions: tuple[str, ...]) -> None:
    """Uninstall plugins with pip, from the environment of this pbhost."""
    raise SystemExit(_pip("uninstall", "--yes", *distributions))


def _pip(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "pip", *arguments], check=False).returncode  # noqa: S603  # no shell


@plugin_group.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="the same as GET /api/plugins")
@click.pass_obj
def list_command(invocation: Invocation, as_json: bool) -> None:
    """The same as 'pbhost plugins'."""
    from pbhost.cli.listing import print_plugins

    print_plugins(invocation.app, as_json=as_json)


@plugin_group.command(name="check")
@click.argument("name")
@click.pass_obj
def check_command(invocation: Invocation, name: str) -> None:
    """Check an installed plugin: metadata, licence, version range, hooks, options. Exits with 1 if one is wrong."""
    from pbhost.plugins.manage import check_plugin

    findings = check_plugin(name, invocation.config.plugins)
    for finding in findings:
        click.echo(
            f"{'ok  ' if finding.ok else 'FAIL'} {finding.subject}{': ' + finding.detail if finding.detail else ''}"
        )
    if not all(finding.ok for finding in findings):
        raise SystemExit(1)


@plugin_group.command(name="disable")
@click.argument("name")
@click.pass_obj
def disable_command(invocation: Invocation, name: str) -> None:
    """Switch a plugin off: adds it to plugins.block in the configuration file. Takes effect at the next start."""
    from pbhost.plugins.discovery import discover
    from pbhost.plugins.manage import write_block
    from pbhost.validation import closest

    config = invocation.config.plugins
    known = [candidate.name for candidate in discover(config)]
    if name not in (*known, *config.block):
        near = closest(name, known)
        raise ConfigError(f"no plugin is named {name!r}" + (f"; did you mean {near!r}?" if near else ""))
    write_block(_file(invocation), [*(other for other in config.block if other != name), name])
    click.echo(f"{name} is not loaded from the next start on")


@plugin_group.command(name="enable")
@click.argument("name")
@click.pass_obj
def enable_command(invocation: Invocation, name: str) -> None:
    """Switch a plugin on again: takes it out of plugins.block in the configuration file."""
    from pbhost.plugins.manage import write_block

    blocked = invocation.config.plugins.block
    if name not in blocked:
        raise ConfigError(f"{name!r} is not switched off; plugins.block has: {', '.join(blocked) or 'nothing'}")
    write_block(_file(invocation), [other for other in blocked if other != name])
    click.echo(f"{name} is loaded again from the next start on")


def _file(invocation: Invocation) -> Path:
    return invocation.config.config_file or Path.cwd() / CONFIG_FILE
