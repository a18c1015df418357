"""``pbhost serve``: one process, or a parent with workers."""

from __future__ import annotations

import logging
import os
import sys
import time
from typing import TYPE_CHECKING

import click

from pbhost.cli.claim import claimed
from pbhost.config import Config, parse_address

if TYPE_CHECKING:
    import socket

    from pbhost.http.server import Server
    from pbhost.http.workers import Tether


def serve(config: Config) -> int:
    """Serves until a signal; returns the exit code.

    Raises:
        PbhostError: it cannot start; the message says what to do.
    """
    from pbhost.http.server import RESTART_CODE

    _set_up_logging(config)
    with claimed(config.dir):
        code = _serve(config)
    if code == RESTART_CODE:
        sys.stdout.flush()
        sys.stderr.flush()
        # The same process: whoever watches this server (a shell, systemd, a container) sees no end of it.
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  # our own command line
    return code


def _serve(config: Config) -> int:
    from pbhost.http.server import bind_for_workers

    sockets = bind_for_workers(*parse_address(config.http), config.workers)
    try:
        if config.workers > 1:
            from pbhost.http.certificates import wait_for_certificates
            from pbhost.http.workers import supervise

            # No thread may run while the workers are forked.
            wait_for_certificates()
            code = supervise(config, lambda worker, tether: run_worker(worker, sockets[worker.worker], tether))
        else:
            code = run_worker(config, sockets[0])
    finally:
        for bound in sockets:
            bound.close()
    return code


def run_worker(config: Config, bound: socket.socket, tether: Tether | None = None) -> int:
    """One server process; ``tether`` if it is a worker of a parent."""
    from pbhost.app import App
    from pbhost.http.server import run_loop, serve_until_signal
    from pbhost.plugins import load_plugins

    app = App(config, load_plugins(config.plugins))
    if config.trace_hooks:
        app.hooks.trace = _print_call
        app.hooks.refresh()

    async def started(server: Server) -> None:
        if config.dev:
            from pbhost.http.reload import watch_plugins

            app.background(watch_plugins(server), name="watch pb_plugins")
        if config.worker == 0 and (tether is None or not tether.is_replacement):
            _print_banner(server)
        if tether is not None:
            tether.ready()

    parent = None if tether is None else tether.parent
    return run_loop(lambda: serve_until_signal(app, bound, started, parent=parent))


def _print_banner(server: Server) -> None:
    click.echo(f"{time.strftime('%Y/%m/%d %H:%M:%S')} Server started at {server.url}")
    has_dashboard = server.app.plugins.get("dashboard") is not None
    click.echo(f"{'├─' if has_dashboard else '└─'} REST API:  {server.url}/api/")
    if has_dashboard:
        click.echo(f"└─ Dashboard: {server.url}/_/")
    for line in server.banner:
        click.echo(line)
    sys.stdout.flush()


def _print_call(plugin: str, hook: str, seconds: float, error: BaseException | None) -> None:
    outcome = f"  {type(error).__name__}: {error}" if error is not None else ""
    click.echo(f"hook {hook:<42} {plugin:<20} {seconds * 1000:9.3f} ms{outcome}", err=True)


def _set_up_logging(config: Config) -> None:
    logging.basicConfig(
        level=logging.DEBUG if config.dev else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    # Their debug lines say nothing about the user's own code.
    for noisy in ("asyncio", "aiosqlite", "watchfiles", "PIL", "fsspec", "aiohttp"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
