"""For the tests of plugins: a real application on a temporary directory, and a pytest plugin with fixtures for it.

The fixtures (``pbhost_app``, ``guest``, ``user``, ``superuser``, ``mail_outbox``, ``clock``, ``realtime_reader``,
``hook_recorder``, ``scenario``) are described in :mod:`pbhost.testing.fixtures`; pytest finds them by itself when
pytest-asyncio is installed. Whoever replaces a service subclasses its kit, for instance
:class:`pbhost.testing.storage_kit.StorageKit`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pbhost.testing.clients import Client as Client
    from pbhost.testing.movable_clock import MovableClock as MovableClock
    from pbhost.testing.outbox import MailOutbox as MailOutbox
    from pbhost.testing.realtime_reader import LiveMessage as LiveMessage
    from pbhost.testing.realtime_reader import OpenReader as OpenReader
    from pbhost.testing.realtime_reader import RealtimeReader as RealtimeReader
    from pbhost.testing.recorder import HookRecorder as HookRecorder
    from pbhost.testing.running import Answer as Answer
    from pbhost.testing.running import Running as Running
    from pbhost.testing.running import running_app as running_app
    from pbhost.testing.scenario import Scenario as Scenario
    from pbhost.testing.scenario import scenarios as scenarios

#: Imported on first use: pytest loads this package at every start, also where nothing of pbhost is tested.
_HOMES = {
    "Answer": "running",
    "Client": "clients",
    "HookRecorder": "recorder",
    "LiveMessage": "realtime_reader",
    "MailOutbox": "outbox",
    "MovableClock": "movable_clock",
    "OpenReader": "realtime_reader",
    "RealtimeReader": "realtime_reader",
    "Running": "running",
    "Scenario": "scenario",
    "running_app": "running",
    "scenarios": "scenario",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"pbhost.testing.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'pbhost.testing' has no attribute {name!r}")


__all__ = [
    "Answer",
    "Client",
    "HookRecorder",
    "LiveMessage",
    "MailOutbox",
    "MovableClock",
    "OpenReader",
    "RealtimeReader",
    "Running",
    "Scenario",
    "running_app",
    "scenarios",
]
