"""Runs no scheduled job on this machine; they can still be started by hand."""

import os

from pbhost import hookimpl


class OnDemand:
    def __init__(self, cron):
        self._cron = cron

    def __getattr__(self, name):
        return getattr(self._cron, name)

    async def start(self):
        if not os.environ.get("NO_JOBS"):
            await self._cron.start()

    async def stop(self):
        if not os.environ.get("NO_JOBS"):
            await self._cron.stop()


class Plugin:
    @hookimpl
    def provide_cron(self, app):
        return OnDemand(app.inherited("cron", by=self))


plugin = Plugin()
