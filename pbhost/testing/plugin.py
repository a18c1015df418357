"""The pytest plugin, found by its entry point. Fixtures: :mod:`pbhost.testing.fixtures`."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from pbhost.testing.kits import KITS

# Their asserts explain themselves, as those of a test module do.
pytest.register_assert_rewrite("pbhost.testing.scenario", *(module for module, _ in KITS.values()))

if find_spec("pytest_asyncio") is not None:
    from pbhost.testing.fixtures import (
        clock,
        guest,
        hook_recorder,
        mail_outbox,
        pbhost_app,
        pbhost_block,
        pbhost_options,
        pbhost_plugins,
        realtime_reader,
        scenario,
        superuser,
        user,
    )

    __all__ = [
        "clock",
        "guest",
        "hook_recorder",
        "mail_outbox",
        "pbhost_app",
        "pbhost_block",
        "pbhost_options",
        "pbhost_plugins",
        "realtime_reader",
        "scenario",
        "superuser",
        "user",
    ]
