"""The application: configuration, plugins, hooks and services, and their life from start to end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar, cast

from pbhost.database.history import apply_plugin_migrations
from pbhost.errors import JSON, PbhostError, PluginError, ServiceMissingError
from pbhost.hooks import HookRegistry
from pbhost.hooks.events import BootstrapEvent, TerminateEvent
from pbhost.services import (
    SERVICES,
    Auth,
    Collections,
    Cron,
    Files,
    Inspectable,
    Logs,
    Mailer,
    PasswordHasher,
    RateLimiter,
    Realtime,
    Records,
    Settings,
    Startable,
    Storage,
)

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from pbhost.config import Config
    from pbhost.database import AsyncTransaction, Engine
    from pbhost.plugins import PluginRegistry

T = TypeVar("T")
log = logging.getLogger("pbhost")


class App:
    """One application on one data directory. Services are attributes; see :mod:`pbhost.services`.

    The life of an application: plugins are loaded → :meth:`bootstrap` (services resolved and started inside
    ``on_bootstrap``) → ``on_serve`` and requests, if it is a server → :meth:`shutdown` (inside ``on_terminate``).

    Attributes:
        config: the configuration, read-only.
        plugins: what is loaded, with each plugin's options.
        hooks: the ``on_*`` hooks.
    """

    def __init__(self, config: Config, plugins: PluginRegistry) -> None:
        self.config = config
        self.plugins = plugins
        self.hooks = HookRegistry(plugins.manager, limit=config.hook_limit, slow=config.slow_hook)
        self.hooks.refresh()
        self._services: dict[str, object] = {}
        self._started: list[tuple[str, Startable]] = []
        self._tasks: set[asyncio.Task[object]] = set()
        self._running = False
        self._restart: Callable[[], None] | None = None

    # -- life --------------------------------------------------------------------------------------------------------

    async def bootstrap(self) -> None:
        """Resolves and starts every service.

        Raises:
            PbhostError: a service cannot start; those that were started are stopped again.
        """
        chain = self.hooks.chain("on_bootstrap")
        try:
            if chain is None:
                await self._start_services()
            else:
                await chain.run(BootstrapEvent(app=self), self._start_services)
        except BaseException:
            await self._stop_services()
            raise

    async def _start_services(self) -> None:
        for name in SERVICES:
            service = self._resolve(name)
            if name == "database" and service is not None:
                await self.db.open()
                await apply_plugin_migrations(self)
            elif isinstance(service, Startable):
                await service.start()
                self._started.append((name, service))
        self._running = True

    async def shutdown(self, *, is_restart: bool = False) -> None:
        """Stops everything; what was accepted is finished. Safe to call twice."""
        if not self._running:
            return
        self._running = False
        chain = self.hooks.chain("on_terminate")
        if chain is None:
            await self._stop_services()
        else:
            try:
                await chain.run(TerminateEvent(app=self, is_restart=is_restart), self._stop_services)
            finally:
                await self._stop_services()  # also when a hook failed before it came to that

    @asynccontextmanager
    async def inspection(self) -> AsyncIterator[Mapping[str, PbhostError]]:
        """``async with app.inspection() as unreadable:`` reading an installation without starting it.

        Nothing is written and no hook of the life cycle runs, so a server may serve the same directory meanwhile.
        Services that are :class:`pbhost.services.Inspectable` can be read inside the block.

        Returns:
            the services that could not be read, with the reason; those after an unreadable database are not tried.
        """
        unreadable: dict[str, PbhostError] = {}
        try:
            for name in SERVICES:
                try:
                    service = self._resolve(name)
                    if not isinstance(service, Inspectable):
                        continue
                    if isinstance(service, Startable):
                        self._started.append((name, service))
                    await service.inspect()
                except PbhostError as error:
                    unreadable[name] = error
                    if name == "database":
                        break
            yield unreadable
        finally:
            await self._stop_services()

    def on_restart(self, callback: Callable[[], None]) -> None:
        """What :meth:`restart` calls; set by the server."""
        self._restart = callback

    def restart(self) -> bool:
        """Ends the server and starts it anew in place, with the same arguments; False where there is no server."""
        if self._restart is None:
            return False
        self._restart()
        return True

    async def _stop_services(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        while self._started:
            name, service = self._started.pop()
            try:
                await service.stop()
            except Exception as error:
                log.error("the %s service failed to stop", name, exc_info=error)
        database = self._services.get("database")
        if database is not None:
            await self.db.close()
        self._services = {}

    def background(self, work: Coroutine[object, object, object], *, name: str) -> asyncio.Task[object]:
        """Runs a coroutine beside the requests; cancelled at shutdown, its exception is logged."""
        task: asyncio.Task[object] = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)

        def finished(done: asyncio.Task[object]) -> None:
            self._tasks.discard(done)
            if not done.cancelled() and (error := done.exception()) is not None:
                log.error("background task %r failed", name, exc_info=error)

        task.add_done_callback(finished)
        return task

    def run(self, work: Callable[[App], Coroutine[object, object, T]]) -> T:
        """For commands: starts the application, awaits ``work(app)``, stops it, and returns the result.

        Raises:
            PbhostError: it cannot start; the command line prints the message and exits with 1.
        """

        async def main() -> T:
            await self.bootstrap()
            try:
                return await work(self)
            finally:
                await self.shutdown()

        return asyncio.run(main())

    # -- plugins -----------------------------------------------------------------------------------------------------

    def collect(self, hook: str) -> list[object]:
        """All items that plugins give for a ``register_*`` hook, in load order (so a later one may replace).

        Raises:
            PluginError: an implementation fails or returns something else than a list; names the plugin.
        """
        items: list[object] = []
        for plugin, result in self.plugins.call_all(hook, self):
            if result is None:
                continue
            if isinstance(result, (str, bytes)) or not isinstance(result, Iterable):
                raise PluginError(f"plugin {plugin!r}: {hook} must return a list, not {type(result).__name__}")
            items += result
        return items

    def collect_of(self, hook: str, type_: type[T]) -> list[T]:
        """As :meth:`collect`, every item checked to be of that type.

        Raises:
            PluginError: an item is of another type.
        """
        items: list[T] = []
        for item in self.collect(hook):
            if not isinstance(item, type_):
                raise PluginError(f"{hook}: every item must be a {type_.__name__}, not {item!r}")
            items.append(item)
        return items

    def options(self, plugin: str) -> Mapping[str, JSON]:
        """The validated options of a plugin, defaults filled in."""
        return self.plugins.options(plugin)

    def transaction(self, *, timeout: float | None = None) -> AbstractAsyncContextManager[AsyncTransaction]:
        """``async with app.transaction() as tx:`` pass ``tx`` to the services that take part."""
        return self.db.transaction(timeout=timeout)

    # -- services ----------------------------------------------------------------------------------------------------

    def _resolve(self, name: str) -> object:
        if name not in self._services:
            provided = self.plugins.call_first(f"provide_{name}", self)
            if provided is None:
                return None
            self._services[name] = provided[1]
        return self._services[name]

    def inherited(self, service: str, by: object) -> object:
        """What would be provided without a plugin: for one that wraps a service instead of replacing it.

        Args:
            service: a key of :data:`pbhost.services.SERVICES`.
            by: the plugin that asks, the registered object or module.

        Raises:
            ServiceMissingError: nobody else provides the service.
        """
        caller = self.plugins.manager.subset_hook_caller(f"provide_{service}", remove_plugins=[by])
        provided: object = caller(app=self)
        if provided is None:
            raise ServiceMissingError(f"no other plugin provides the {service} service")
        return provided

    def has(self, service: str) -> bool:
        """Whether somebody provides the service."""
        return self._resolve(service) is not None

    def _service(self, name: str) -> object:
        service = self._services.get(name)
        if service is None:
            service = self._resolve(name)
        if service is None:
            raise ServiceMissingError(
                f"no plugin provides the {name} service: load the built-in plugin {SERVICES[name]!r} "
                f"(is it in plugins.block, or missing from plugins.only?) or one with a provide_{name} hook"
            )
        return service

    @property
    def db(self) -> Engine:
        """The database."""
        return cast("Engine", self._service("database"))

    @property
    def collections(self) -> Collections:
        """The schema."""
        return cast(Collections, self._service("collections"))

    @property
    def settings(self) -> Settings:
        """The settings."""
        return cast(Settings, self._service("settings"))

    @property
    def password_hasher(self) -> PasswordHasher:
        """Password hashing."""
        return cast(PasswordHasher, self._service("password_hasher"))

    @property
    def records(self) -> Records:
        """Reading and writing records."""
        return cast(Records, self._service("records"))

    @property
    def auth(self) -> Auth:
        """Identity, tokens, sign-in."""
        return cast(Auth, self._service("auth"))

    @property
    def storage(self) -> Storage:
        """Where files are kept."""
        return cast(Storage, self._service("storage"))

    @property
    def files(self) -> Files:
        """File fields in terms of the storage."""
        return cast(Files, self._service("files"))

    @property
    def mailer(self) -> Mailer:
        """How mail is sent."""
        return cast(Mailer, self._service("mailer"))

    @property
    def logs(self) -> Logs:
        """Log entries."""
        return cast(Logs, self._service("logs"))

    @property
    def rate_limiter(self) -> RateLimiter:
        """Rate limits."""
        return cast(RateLimiter, self._service("rate_limiter"))

    @property
    def realtime(self) -> Realtime:
        """Live updates."""
        return cast(Realtime, self._service("realtime"))

    @property
    def cron(self) -> Cron:
        """The scheduler."""
        return cast(Cron, self._service("cron"))
