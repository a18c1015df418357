"""Sends entries to Python's logging as well, for whoever collects that."""

import logging

from pbhost import hookimpl

log = logging.getLogger("pbhost.entries")


class Both:
    def __init__(self, logs):
        self._logs = logs

    def __getattr__(self, name):
        return getattr(self._logs, name)

    def write(self, level, message, data=None):
        log.info("%s %s", message, data)
        self._logs.write(level, message, data)


class Plugin:
    @hookimpl
    def provide_logs(self, app):
        return Both(app.inherited("logs", by=self))


plugin = Plugin()
