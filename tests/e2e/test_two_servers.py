"""A data directory has one server; the command line may still write to it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from .conftest import PASSWORD, Server, free_port, pbhost


def test_a_second_server_is_refused_and_the_first_goes_on(start_server: Callable[..., Server], tmp_path: Path) -> None:
    first = start_server()
    second = pbhost("serve", "--dir", str(first.dir), "--http", f"127.0.0.1:{free_port()}", cwd=tmp_path)
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1, second.stderr
    assert f"another server (process {first.process.pid if first.process else ''}) already serves" in second.stderr
    assert "--workers" in second.stderr
    assert first.get("/api/health")[0] == 200
    changed = pbhost("superuser", "upsert", "other@example.com", PASSWORD, "--dir", str(first.dir), cwd=tmp_path)
    assert changed.returncode == 0, changed.stderr
    status, _ = first.request(
        "POST",
        "/api/collections/_superusers/auth-with-password",
        {"identity": "other@example.com", "password": PASSWORD},
    )
    assert status == 200, "the running server did not see what the command wrote"


def test_the_directory_is_free_again_after_a_kill(start_server: Callable[..., Server]) -> None:
    server = start_server()
    server.kill()
    server.start()
    assert server.get("/api/health")[0] == 200


def test_starting_with_the_same_port_is_refused(start_server: Callable[..., Server], tmp_path: Path) -> None:
    first = start_server()
    second = subprocess.run(
        [sys.executable, "-m", "pbhost", "serve", "--dir", str(tmp_path / "other"), "--http", first.url[7:]],
        env=os.environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (second.returncode, "is in use" in second.stderr) == (1, True)
