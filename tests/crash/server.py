"""A server process of its own process group, so that it and all its workers die in the same instant."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

EMAIL, PASSWORD = "root@example.com", "correct-horse-9"
START_SECONDS = 40.0
#: The whole feed is compared with what clients were told, so nothing of it may be thrown away.
CONFIGURATION = """
[plugins.sqlite]
feed_max_rows = 1000000000
feed_max_age = 1e9
"""


class ServerTree:
    """``pbhost serve`` on one data directory; may be started and killed again and again on the same port."""

    def __init__(self, directory: Path, *arguments: str, env: dict[str, str] | None = None) -> None:
        self.dir = directory
        self.arguments = arguments
        self.env = env or {}
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None
        (directory.parent / "pbhost.toml").write_text(CONFIGURATION)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output_file(self) -> Path:
        return self.dir.parent / f"{self.dir.name}.log"

    def output(self) -> str:
        return self.output_file.read_text(errors="replace") if self.output_file.exists() else ""

    def create_superuser(self) -> None:
        subprocess.run(
            [sys.executable, "-m", "pbhost", "superuser", "upsert", EMAIL, PASSWORD, "--dir", str(self.dir)],
            check=True,
            capture_output=True,
            timeout=60,
            cwd=self.dir.parent,
            env={**os.environ, **self.env},
        )

    def spawn(self) -> None:
        """Starts it without waiting for anything."""
        command = [sys.executable, "-m", "pbhost", "serve", "--dir", str(self.dir), "--http", f"127.0.0.1:{self.port}"]
        with self.output_file.open("ab") as output:
            self.process = subprocess.Popen(
                [*command, *self.arguments],
                cwd=self.dir.parent,
                env={**os.environ, **self.env},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_ready(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.output()[-4000:]}")
            if self.answers():
                return
            time.sleep(0.02)
        raise AssertionError(f"the server did not answer:\n{self.output()[-4000:]}")

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/api/health", timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def start(self) -> None:
        self.spawn()
        self.wait_ready()

    def kill(self) -> None:
        """SIGKILL to everything that :meth:`spawn` started, at once; returns when it is gone."""
        assert self.process is not None
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(timeout=15)
        self._wait_gone(self.process.pid)

    def workers(self) -> list[int]:
        """The process ids of the workers; none of a server that is one process."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def limit_files(self, size: int | None) -> None:
        """From now on no file of the server may grow beyond a size, as if the disk were full; None for no limit."""
        assert self.process is not None
        soft = resource.RLIM_INFINITY if size is None else size
        for pid in (self.process.pid, *self.workers()):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))

    @staticmethod
    def _wait_gone(group: int) -> None:
        """Workers die at the same signal, but a moment after their parent they may still hold their locks."""
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and any(_lives(path, group) for path in Path("/proc").glob("[0-9]*/stat")):
            time.sleep(0.01)

    def stop(self) -> int:
        """Ends it as an operator would; returns its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


def _lives(path: Path, group: int) -> bool:
    try:
        state, _, process_group = path.read_text().rpartition(")")[2].split()[:3]
    except OSError:
        return False
    return int(process_group) == group and state not in ("Z", "X")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
