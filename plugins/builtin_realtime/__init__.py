"""Live updates: the change feed, subscriptions, and server-sent events."""

from __future__ import annotations

from builtin_realtime.api import RealtimeApi
from builtin_realtime.config import CONFIG_SCHEMA, RealtimeConfig
from builtin_realtime.service import Broker
from pbhost import App, Route, hookimpl
from pbhost.services import Realtime


class RealtimePlugin:
    """Provides ``app.realtime`` and the route ``/api/realtime``."""

    NAME = "realtime"
    CONFIG_SCHEMA = CONFIG_SCHEMA
    requires_services = ("database", "collections", "records")

    def __init__(self) -> None:
        self._broker: Broker | None = None

    @hookimpl
    def provide_realtime(self, app: App) -> Realtime:
        """The broker of this process."""
        self._broker = Broker(app, RealtimeConfig.from_options(app.options(self.NAME)))
        return self._broker

    @hookimpl
    def register_routes(self, app: App) -> list[Route]:
        """The routes, unless another plugin's broker took the place of this one."""
        return RealtimeApi(self._broker).routes() if self._broker is not None else []


#: The class: each application gets an instance of its own, for it holds that application's services.
plugin = RealtimePlugin
