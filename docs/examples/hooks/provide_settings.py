"""Takes the application's name from the environment, whatever the database says."""

import os

from pbhost import hookimpl


class FromEnvironment:
    def __init__(self, settings):
        self._settings = settings

    def __getattr__(self, name):
        return getattr(self._settings, name)

    def section(self, name):
        found = self._settings.section(name)
        if name == "meta" and "APP_NAME" in os.environ:
            return {**found, "appName": os.environ["APP_NAME"]}
        return found


class Plugin:
    @hookimpl
    def provide_settings(self, app):
        return FromEnvironment(app.inherited("settings", by=self))


plugin = Plugin()
