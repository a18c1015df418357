"""Shows in the settings whether they come from this host's own file."""

import socket

from pbhost import hookimpl


@hookimpl
def on_settings_list_request(event):
    event.settings["host"] = socket.gethostname()
