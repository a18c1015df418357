"""The ``pocketbase`` package from PyPI against a real server, as far as it speaks this protocol."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from .conftest import EMAIL, PASSWORD, Server

SCENARIO = Path(__file__).parent / "python_sdk.py"


def test_records_files_live_updates_and_sign_in(start_server: Callable[..., Server]) -> None:
    server = start_server()
    done = subprocess.run(
        [sys.executable, str(SCENARIO), server.url, EMAIL, PASSWORD],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr + server.output()[-2000:]
