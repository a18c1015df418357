"""``pbhost``: the global flags, the kernel's commands, and those of the plugins."""

from __future__ import annotations

from pathlib import Path

import click

from pbhost.cli.doctor import doctor_command
from pbhost.cli.flags import config_options, given_flags
from pbhost.cli.invocation import Invocation
from pbhost.cli.plugin import plugin_group
from pbhost.cli.types import types_group
from pbhost.validation import closest


class Root(click.Group):
    """The kernel's commands are known at once; a plugin's only after the plugins were loaded."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The kernel's commands, then those of the plugins."""
        return [*super().list_commands(ctx), *sorted(set(self._of_plugins(ctx)) - set(self.commands))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by name."""
        return super().get_command(ctx, cmd_name) or self._of_plugins(ctx).get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click, with the nearest command named when there is none."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            near = closest(name, self.list_commands(ctx))
            hint = f" Did you mean {near!r}?" if near else ""
            raise click.UsageError(f"unknown command {name!r} for 'pbhost'.{hint}\nRun 'pbhost --help' for usage.")
        return super().resolve_command(ctx, args)

    def _of_plugins(self, ctx: click.Context) -> dict[str, click.Command]:
        invocation = ctx.obj if isinstance(ctx.obj, Invocation) else _invocation(ctx)
        commands = [item for item in invocation.app.collect("register_commands") if isinstance(item, click.Command)]
        return {command.name: command for command in commands if command.name}


def _invocation(ctx: click.Context) -> Invocation:
    file = ctx.params.get("config_file")
    made = Invocation(given_flags(ctx.params), file if isinstance(file, Path) else None)
    ctx.obj = made
    return made


EPILOG = """\b
Examples:
  pbhost serve                                   data in ./pb_data, http://127.0.0.1:8090
  pbhost serve --dir /srv/data --http 0.0.0.0:80 --workers 2
  pbhost superuser upsert me@example.com PASSWORD
  pbhost plugins                                 what is loaded and what it does

\b
Configuration, the later wins: pbhost.toml, PBHOST_* variables, flags.
'pbhost config' shows the result and where each value may be set.
"""


@click.group(
    cls=Root,
    epilog=EPILOG,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(None, "-v", "--version", package_name="pbhost", message="pbhost %(version)s")
@click.option(
    "--config", "config_file", type=click.Path(path_type=Path), help="the configuration file  [PBHOST_CONFIG]"
)
@config_options(serve=False)
@click.pass_context
def root(ctx: click.Context, /, **_values: object) -> None:
    """A backend in one process: records, sign-in, files and live updates; every feature is a plugin."""
    _invocation(ctx)


@root.command(name="serve")
@config_options(serve=True)
@click.argument("domains", nargs=-1, metavar="[DOMAIN]...")
@click.pass_obj
def serve_command(invocation: Invocation, /, domains: tuple[str, ...], **values: object) -> None:
    """Start the server.

    Serves the API at /api/, static files of pb_public/ at /, and the dashboard at /_/ until SIGTERM or Ctrl-C. A fresh
    data directory is created; then a link is printed with which you create the first superuser.
    """
    if domains:
        raise click.UsageError(
            "certificates for domains are not built in: put a reverse proxy such as Caddy in front and start "
            "without DOMAIN"
        )
    from pbhost.cli.serve import serve

    invocation.flags.update(given_flags(values))
    raise SystemExit(serve(invocation.config))


@root.command(name="plugins")
@click.option("--json", "as_json", is_flag=True, help="the same as GET /api/plugins")
@click.pass_obj
def plugins_command(invocation: Invocation, as_json: bool) -> None:
    """List the loaded plugins, the services they provide and the hooks they implement."""
    from pbhost.cli.listing import print_plugins

    print_plugins(invocation.app, as_json=as_json)


@root.command(name="config")
@click.option("--json", "as_json", is_flag=True, help="machine-readable")
@click.pass_obj
def config_command(invocation: Invocation, as_json: bool) -> None:
    """Show the effective configuration, secrets redacted, and the key, variable and flag of each option."""
    from pbhost.cli.listing import print_config

    print_config(invocation.config, invocation.plugins, as_json=as_json)


root.add_command(plugin_group)
root.add_command(doctor_command)
root.add_command(types_group)
