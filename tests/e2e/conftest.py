"""A real server process on a free port of loopback, and the official SDK in Node as its client."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

JS = Path(__file__).parent / "js"
EMAIL, PASSWORD = "root@example.com", "correct-horse-9"
START_SECONDS = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pbhost(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a command of the command line to its end."""
    return subprocess.run(
        [sys.executable, "-m", "pbhost", *arguments],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@dataclass
class Server:
    """One ``pbhost serve`` process."""

    dir: Path
    port: int
    arguments: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output_file(self) -> Path:
        return self.dir.parent / f"{self.dir.name}-{self.port}.log"

    def start(self) -> Server:
        with self.output_file.open("a") as output:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "pbhost",
                    "serve",
                    "--dir",
                    str(self.dir),
                    "--http",
                    f"127.0.0.1:{self.port}",
                    *self.arguments,
                ],
                cwd=self.dir.parent,
                env={**os.environ, **self.env},
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.output()}")
            try:
                if self.get("/api/health")[0] == 200:
                    return self
            except (urllib.error.URLError, OSError):
                time.sleep(0.02)
        raise AssertionError(f"the server did not answer in {START_SECONDS} s:\n{self.output()}")

    def output(self) -> str:
        return self.output_file.read_text() if self.output_file.exists() else ""

    def stop(self) -> int:
        """Ends the process as an operator would; returns its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=15)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=15)

    def request(
        self, method: str, path: str, body: object = None, token: str = "", headers: Mapping[str, str] | None = None
    ) -> tuple[int, object]:
        """A plain request; the body of the answer as JSON where it is JSON, else as text."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=dict(headers or {}))
        if data is not None:
            request.add_header("Content-Type", "application/json")
        if token:
            request.add_header("Authorization", token)
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                status, raw = response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                status, raw = error.code, error.read()
        try:
            return status, json.loads(raw) if raw else None
        except ValueError:
            return status, raw.decode(errors="replace")

    def get(self, path: str, token: str = "") -> tuple[int, object]:
        return self.request("GET", path, token=token)

    def superuser_token(self) -> str:
        status, answer = self.request(
            "POST",
            "/api/collections/_superusers/auth-with-password",
            {"identity": EMAIL, "password": PASSWORD},
        )
        assert status == 200, answer
        assert isinstance(answer, dict)
        return str(answer["token"])


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers; each is stopped at the end. ``superuser=True`` creates one by the command line first."""
    servers: list[Server] = []

    def start(
        *arguments: str, dir: Path | None = None, superuser: bool = True, env: Mapping[str, str] | None = None
    ) -> Server:
        directory = dir or tmp_path / "pb_data"
        if superuser:
            done = pbhost("superuser", "upsert", EMAIL, PASSWORD, "--dir", str(directory), cwd=tmp_path)
            assert done.returncode == 0, done.stdout + done.stderr
        server = Server(directory, free_port(), arguments, env or {})
        servers.append(server)
        return server.start()

    yield start
    for server in servers:
        if server.process is not None and server.process.poll() is None:
            server.stop()


@pytest.fixture
def run_js() -> Callable[..., dict[str, object]]:
    """Runs a scenario of ``js/`` against a server; returns the JSON object that its last line prints."""

    def run(script: str, server: Server, **arguments: object) -> dict[str, object]:
        node = shutil.which("node")
        assert node is not None, "Node is needed for the SDK scenarios"
        done = subprocess.run(
            [node, str(JS / script), server.url, json.dumps({"email": EMAIL, "password": PASSWORD, **arguments})],
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n--- server ---\n{server.output()[-4000:]}"
        last = json.loads(done.stdout.strip().splitlines()[-1])
        assert isinstance(last, dict)
        return last

    return run
