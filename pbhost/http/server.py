"""One server process: from the plugins to a listening socket, and back down on a signal."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Final

from aiohttp import web

from pbhost.errors import ConfigError
from pbhost.hooks.events import ServeEvent
from pbhost.http.certificates import wait_for_certificates
from pbhost.http.connections import Runner
from pbhost.http.pipeline import Pipeline
from pbhost.http.resource import TrieResource
from pbhost.http.types import APP, ROUTES, Middleware, Route
from pbhost.http.watchdog import Watchdog

if TYPE_CHECKING:
    from pbhost.app import App

log = logging.getLogger("pbhost.http")

#: A filter may have 3,500 bytes, three times that when percent-encoded, and a request line is more than a filter.
_MAX_LINE: Final = 64 * 1024
_MAX_HEADER: Final = 32 * 1024
_BACKLOG: Final = 1024
#: Also the bound of a connection that never sends a whole head.
_KEEP_ALIVE: Final = 75.0
#: Exit code of a server process that wants to be started anew.
RESTART_CODE: Final = 75


def bind_for_workers(host: str, port: int, count: int) -> list[socket.socket]:
    """One socket per worker on the same port; the system spreads connections over them.

    One shared socket would not do: whoever is woken first takes all that wait, and one worker may end up with
    everything. A socket outlives its worker, so what is queued on it waits for the replacement.

    Raises:
        ConfigError: as :func:`bind`.
    """
    first = bind(host, port)
    if count == 1 or not hasattr(socket, "SO_REUSEPORT"):
        return [first] * count
    # Bound without sharing first: with sharing, a second server on the port would go unnoticed.
    port = first.getsockname()[1]
    first.close()
    return [bind(host, port, is_shared=True) for _ in range(count)]


def bind(host: str, port: int, *, is_shared: bool = False) -> socket.socket:
    """A bound socket, so that a busy port is known before anything else is touched.

    Args:
        is_shared: further sockets may be bound to the same port.

    Raises:
        ConfigError: the address cannot be used; the message says what to do.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(address)
        # Some systems report a busy port only here.
        bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        if error.errno in (98, 48, 10048):
            reason = f"port {port} is in use; stop the other server or choose another port with --http {host}:PORT"
        elif isinstance(error, PermissionError):
            reason = f"port {port} needs more rights; choose one above 1023 with --http {host}:PORT"
        else:
            reason = f"{error.strerror or error}; choose another address with --http"
        raise ConfigError(f"cannot listen on {host}:{port}: {reason}") from error
    bound.setblocking(False)
    return bound


def base_url(bound: socket.socket) -> str:
    """Where a bound socket is reached, as people write it."""
    host, port = bound.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{host}:{port}"


class Server:
    """The HTTP server of one application.

    Args:
        app: bootstrapped by :meth:`start`.
        bound: the socket; shared with other workers or not.
    """

    def __init__(self, app: App, bound: socket.socket) -> None:
        self.app = app
        self.url = base_url(bound)
        self.banner: list[str] = []
        self._socket = bound
        self._runner: Runner | None = None
        self._pipeline: Pipeline | None = None
        self._resource: TrieResource | None = None

    async def start(self) -> None:
        """Bootstraps the application, builds the routes, runs ``on_serve`` and accepts requests.

        Raises:
            PbhostError: a service, a route or a hook refuses; what was started is stopped again.
        """
        app = self.app
        wait_for_certificates()
        await app.bootstrap()
        try:
            event = ServeEvent(app=app, base_url=self.url, worker=app.config.worker, banner=[])
            chain = app.hooks.chain("on_serve")
            if chain is None:
                await self._listen()
            else:
                await chain.run(event, self._listen)
            self.banner = event.banner
        except BaseException:
            await self.stop()
            raise

    async def _listen(self) -> None:
        self._pipeline = Pipeline(self.app)
        edge = web.Application(client_max_size=2**62)
        edge[APP] = self.app
        self._resource = self._routes()
        edge[ROUTES] = self._resource.routes
        edge.router.register_resource(self._resource)
        edge.on_response_prepare.append(self._pipeline.add_edge_headers)
        edge.on_shutdown.append(self._close_streams)
        self._runner = Runner(
            edge,
            self._resource.match,
            access_log=None,
            handle_signals=False,
            keepalive_timeout=_KEEP_ALIVE,
            shutdown_timeout=self.app.config.shutdown_timeout,
            max_line_size=_MAX_LINE,
            max_field_size=_MAX_HEADER,
        )
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket, backlog=_BACKLOG).start()

    def _routes(self) -> TrieResource:
        from pbhost.http.plugins_api import plugin_routes
        from pbhost.http.static import static_routes

        assert self._pipeline is not None
        app = self.app
        routes = [*plugin_routes(app), *static_routes(app.config), *app.collect_of("register_routes", Route)]
        return TrieResource(self._pipeline, routes, app.collect_of("register_middlewares", Middleware))

    def reload_routes(self) -> None:
        """Takes in the routes and middlewares of changed plugins; running requests end as they began."""
        if self._resource is not None:
            self._resource.replace(self._routes())

    async def _close_streams(self, _edge: web.Application) -> None:
        # Live connections would otherwise hold the shutdown for its whole grace period.
        if self.app.has("realtime"):
            for client in list(self.app.realtime.clients().values()):
                client.discard()

    async def stop(self, *, is_restart: bool = False) -> None:
        """Stops accepting, lets running requests end within the grace period, then stops the services."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        await self.app.shutdown(is_restart=is_restart)


def run_loop(main: Callable[[], Coroutine[object, object, int]], *, debug: bool = False) -> int:
    """Runs a coroutine on uvloop where it is installed, on asyncio's own loop elsewhere."""
    try:
        import uvloop

        factory: Callable[[], asyncio.AbstractEventLoop] | None = uvloop.new_event_loop
    except ImportError:
        factory = None
    with asyncio.Runner(loop_factory=factory, debug=debug) as runner:
        return runner.run(main())


async def serve_until_signal(
    app: App,
    bound: socket.socket,
    started: Callable[[Server], Coroutine[object, object, None]],
    *,
    parent: int | None = None,
) -> int:
    """Serves until SIGTERM, SIGINT or a restart; a second signal ends the process at once. Returns the exit code.

    Args:
        started: awaited once requests are accepted.
        parent: a file descriptor that becomes readable when the parent process is gone; then the server ends too.
    """
    stop = asyncio.Event()
    code = 0
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if stop.is_set():
            raise SystemExit(130)
        stop.set()

    def on_restart() -> None:
        nonlocal code
        code = RESTART_CODE
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    if parent is not None:
        loop.add_reader(parent, stop.set)
    app.on_restart(on_restart)
    server = Server(app, bound)
    watchdog = Watchdog()
    await server.start()
    try:
        watchdog.start()
        await started(server)
        _tune_collector()
        await stop.wait()
    finally:
        watchdog.stop()
        if parent is not None:
            loop.remove_reader(parent)
        await server.stop(is_restart=code == RESTART_CODE)
    return code


def _tune_collector() -> None:
    """What exists after the start lives as long as the process: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
