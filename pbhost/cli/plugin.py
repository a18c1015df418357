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
    from pbhost.cli.invocation import Invocation
    from pbhost.config import PluginsConfig
    from pbhost.plugins.checking import CheckedPlugin, CheckResult


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


@plugin_group.command(
    name="install", context_settings={"ignore_unknown_options": True}, options_metavar="[PIP OPTIONS]"
)
@click.argument("requirements", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def install_command(invocation: Invocation, /, requirements: tuple[str, ...]) -> None:
    """Install plugins with pip, into the environment of this pbhost, which itself stays as it is.

    REQUIREMENTS and options are those of 'pip install': names, versions, wheels, --no-index, --find-links DIR …
    Exits with 1 if something is no plugin, or one that the server would not start with.
    """
    from pbhost.plugins.installing import install

    names = install(requirements)
    if not names:
        click.echo("nothing new was installed")
    # In a process of its own: this one has an older picture of what is installed.
    failed = [name for name in names if not _fits(name)]
    for name in names:
        if name not in failed:
            click.echo(f"{name} is loaded from the next start on; 'pbhost plugin check {name}' runs its tests")
    if failed:
        click.echo(
            f"The server would not start with {', '.join(failed)}: see above. 'pbhost plugin uninstall NAME' takes it "
            f"out again, 'pbhost plugin disable NAME' leaves it installed.",
            err=True,
        )
        raise SystemExit(1)


def _fits(name: str) -> bool:
    command = [sys.executable, "-m", "pbhost", "plugin", "check", "--no-kits", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # no shell
    if done.returncode:
        click.echo(done.stdout + done.stderr, err=True, nl=False)
    return done.returncode == 0


@plugin_group.command(name="uninstall")
@click.argument("names", nargs=-1, required=True)
@click.pass_obj
def uninstall_command(invocation: Invocation, names: tuple[str, ...]) -> None:
    """Uninstall plugins with pip, from the environment of this pbhost; NAMES of plugins or of their distributions."""
    from pbhost.plugins.installing import mentions, uninstall

    config = invocation.config.plugins
    gone = uninstall(names, config)
    click.echo(f"{', '.join(gone)}: not loaded any more from the next start on")
    for line in mentions(gone, config):
        click.echo(line)


@plugin_group.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="the same as GET /api/plugins")
@click.pass_obj
def list_command(invocation: Invocation, as_json: bool) -> None:
    """The same as 'pbhost plugins'."""
    from pbhost.cli.listing import print_plugins

    print_plugins(invocation.app, as_json=as_json)


@plugin_group.command(name="check")
@click.argument("name")
@click.option("--no-kits", is_flag=True, help="do not run the tests of the services that it provides")
@click.option(
    "--with-options",
    is_flag=True,
    help="run them with the options of the configuration; they write and delete where those lead",
)
@click.pass_obj
def check_command(invocation: Invocation, name: str, no_kits: bool, with_options: bool) -> None:
    """Check an installed plugin: metadata, licence, version range, hooks, options.

    For each service that it provides, the tests that any provider must pass are run on a temporary directory, with the
    plugin's default options. Exits with 1 if anything is wrong.
    """
    from pbhost.plugins.checking import check_plugin

    config = invocation.config.plugins
    checked = check_plugin(name, config)
    results = list(checked.results)
    if not no_kits and checked.plugin is not None:
        results += _kits(checked, config if with_options else None)
    for result in results:
        click.echo(f"{result.verdict:<4} {result.subject}{': ' + result.detail if result.detail else ''}")
    if any(result.verdict == "FAIL" for result in results):
        raise SystemExit(1)


def _kits(checked: CheckedPlugin, config: PluginsConfig | None) -> list[CheckResult]:
    """Runs the kits, with the options of a configuration or with the plugin's defaults."""
    from pbhost.plugins.checking import CheckResult
    from pbhost.plugins.options import check_options
    from pbhost.testing.checking import Subject, run_kits

    if not checked.replaces:
        return []
    candidate, plugin = checked.candidate, checked.plugin
    assert plugin is not None
    options = config.tables.get(candidate.name, {}) if config is not None else {}
    try:
        check_options(candidate.name, plugin.schema, options)
    except ConfigError as error:
        hint = "" if config is not None else "; --with-options takes those of the configuration"
        return [CheckResult(f"kit of {name}", "note", f"not run: {error}{hint}") for name in checked.replaces]
    subject = Subject(
        name=candidate.name,
        path=str(candidate.path.absolute()) if candidate.path is not None else "",
        load=candidate.target if candidate.source == "flag" else "",
        options=dict(options),
    )
    return run_kits(subject, checked.replaces)


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
