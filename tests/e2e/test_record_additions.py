"""Cursor paging, rules of fields and JSON Schema against a real server, by plain requests of both SDKs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from .conftest import EMAIL, PASSWORD, Server

PYTHON = Path(__file__).parent / "python_sdk_additions.py"


def test_the_javascript_sdk(start_server: Callable[..., Server], run_js: Callable[..., dict[str, object]]) -> None:
    assert run_js("additions.mjs", start_server())["pages"] == 4


def test_the_python_sdk(start_server: Callable[..., Server]) -> None:
    server = start_server()
    done = subprocess.run(
        [sys.executable, str(PYTHON), server.url, EMAIL, PASSWORD],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr + server.output()[-2000:]
