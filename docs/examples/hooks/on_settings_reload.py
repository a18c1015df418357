"""Keeps the application's name at hand, also after a change by another worker."""

from pbhost import hookimpl

names = {}


@hookimpl
def on_settings_reload(event):
    names["app"] = event.app.settings.section("meta").get("appName", "")
