"""Replaces every service, route, field type, collection type and way to sign in by one that passes everything on.

As a third party would: through the public hooks alone. ``GET /api/overridden`` tells what was used.
"""

from __future__ import annotations

import copy
import dataclasses
from collections import Counter
from collections.abc import Callable
from typing import Any

from pbhost import App, CronJob, Field, Route, hookimpl
from pbhost.model import CollectionType
from pbhost.services import SERVICES


class Passing:
    """Stands for something of a built-in, and counts by whom it is asked."""

    def __init__(self, built_in: Any, used: Callable[[], None]) -> None:
        self._built_in, self._used = built_in, used

    def __getattr__(self, name: str) -> Any:
        self._used()
        return getattr(self._built_in, name)


class StartedPassing(Passing):
    """The same for what has a life cycle."""

    async def start(self) -> None:
        await self._built_in.start()

    async def stop(self) -> None:
        await self._built_in.stop()


class Override:
    """The plugin."""

    def __init__(self) -> None:
        self.replaced: dict[str, list[str]] = {}
        self.used: Counter[str] = Counter()
        for service in SERVICES:
            setattr(self, f"provide_{service}", hookimpl(self._provider(service)))

    def _counter(self, kind: str, name: str) -> Callable[[], None]:
        self.replaced.setdefault(kind, []).append(name)

        def count() -> None:
            self.used[f"{kind} {name}"] += 1

        return count

    def _provider(self, service: str) -> Callable[[App], Any]:
        def provide(app: App) -> Any:
            built_in = app.inherited(service, by=self)
            kind = StartedPassing if hasattr(built_in, "start") else Passing
            return kind(built_in, self._counter("service", service))

        return provide

    def _of_others(self, app: App, hook: str) -> list[Any]:
        caller = app.plugins.manager.subset_hook_caller(hook, remove_plugins=[self])
        return [item for items in reversed(caller(app=app)) for item in items]

    @hookimpl
    def register_routes(self, app: App) -> list[Route]:
        self.replaced["route"] = []
        return [self._route(route) for route in self._of_others(app, "register_routes")] + [
            Route("GET", "/api/overridden", self._tell)
        ]

    def _route(self, route: Route) -> Route:
        count = self._counter("route", f"{route.method} {route.path}")

        async def handler(request: Any) -> object:
            count()
            return await route.handler(request)

        return dataclasses.replace(route, handler=handler)

    async def _tell(self, _request: Any) -> object:
        return {"replaced": self.replaced, "used": self.used}

    @hookimpl
    def register_field_types(self, app: App) -> list[type[Field]]:
        return [self._field_type(cls) for cls in self._of_others(app, "register_field_types")]

    def _field_type(self, cls: type[Field]) -> type[Field]:
        count = self._counter("field type", cls.type)

        def to_db(field: Field, value: object) -> Any:
            count()
            return cls.to_db(field, value)

        return type(f"Other{cls.__name__}", (cls,), {"to_db": to_db})

    @hookimpl
    def register_collection_types(self, app: App) -> list[CollectionType]:
        return [self._collection_type(item) for item in self._of_others(app, "register_collection_types")]

    def _collection_type(self, built_in: CollectionType) -> CollectionType:
        count = self._counter("collection type", built_in.name)

        def prepare(_self: CollectionType, collection: Any, old: Any) -> None:
            count()
            built_in.prepare(collection, old)

        made = copy.copy(built_in)
        made.__class__ = type("Other", (type(built_in),), {"prepare": prepare})
        return made

    @hookimpl
    def register_auth_methods(self, app: App) -> list[Any]:
        return [
            Passing(method, self._counter("auth method", method.name))
            for method in self._of_others(app, "register_auth_methods")
        ]

    @hookimpl
    def register_oauth2_providers(self, app: App) -> list[Any]:
        return [
            Passing(provider, self._counter("oauth2 provider", provider.name))
            for provider in self._of_others(app, "register_oauth2_providers")
        ]

    @hookimpl
    def register_filter_functions(self, app: App) -> list[Any]:
        return [
            Passing(function, self._counter("filter function", function.name))
            for function in self._of_others(app, "register_filter_functions")
        ]

    @hookimpl
    def register_cron_jobs(self, app: App) -> list[CronJob]:
        return [self._job(job) for job in self._of_others(app, "register_cron_jobs")]

    def _job(self, job: CronJob) -> CronJob:
        count = self._counter("cron job", job.id)

        async def run() -> None:
            count()
            await job.run()

        return dataclasses.replace(job, run=run)


plugin = Override
