"""The end of an application whose plugins fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from pbhost import hookimpl
from pbhost.errors import HookError
from pbhost.testing import running_app


class Stubborn:
    NAME = "stubborn"

    @hookimpl
    def on_terminate(self) -> None:
        raise RuntimeError("not now")


async def test_a_plugin_that_fails_at_the_end_leaves_no_service_running(tmp_path: Path) -> None:
    with pytest.raises(HookError, match="stubborn"):
        async with running_app(tmp_path, Stubborn()):
            pass
    left = {path.name for path in (tmp_path / "pb_data").iterdir()}
    assert not {name for name in left if name.endswith(("-wal", "-shm"))}, "the database was not closed"
