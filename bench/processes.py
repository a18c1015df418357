"""Server processes: ours and the bare one that everything is compared with."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_START_SECONDS = 30.0


class Process:
    """A server that answers under a URL; a context manager that ends what it started."""

    def __init__(self, command: Sequence[str], url: str, ready: str, log: Path, cwd: Path | None = None) -> None:
        self.url = url
        self._command = command
        self._ready = ready
        self._log = log
        self._cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None
        #: Seconds from the start of the process to its first answer.
        self.first_answer = 0.0

    def __enter__(self) -> Self:
        started = time.perf_counter()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, cwd=self._cwd, env=_environment(self._log.parent)
            )
        while time.perf_counter() - started < _START_SECONDS:
            if self._process.poll() is not None:
                break
            try:
                if request(self.url + self._ready)[0] == 200:
                    self.first_answer = time.perf_counter() - started
                    return self
            except OSError:
                time.sleep(0.005)
        self.__exit__(None, None, None)
        raise SystemExit(f"the server did not start:\n{self._log.read_text()[-3000:]}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    @property
    def pids(self) -> list[int]:
        """The process and its workers."""
        assert self._process is not None
        found = [self._process.pid]
        for parent in found:
            children = Path(f"/proc/{parent}/task/{parent}/children")
            if children.exists():
                found += [int(child) for child in children.read_text().split()]
        return found

    def cpu_seconds(self) -> float:
        """Processor time spent so far, by all processes: to the nanosecond, for the ticks of /proc are too coarse."""
        # The clock of a process, as clock_getcpuclockid(3) makes it from the id; its ended threads count too.
        return sum(time.clock_gettime((~pid << 3) | 2) for pid in self.pids)

    def resident_mib(self, key: str = "VmRSS") -> float:
        """Resident memory in MiB; ``VmHWM`` for its peak."""
        kib = 0
        for pid in self.pids:
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith(key + ":"):
                    kib += int(line.split()[1])
        return kib / 1024


def _environment(scratch: Path) -> dict[str, str]:
    """With compiled modules kept between starts, as an installation has them, but not in this checkout."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(scratch / "pycache")}


def pbhost(directory: Path, log: Path, *arguments: str) -> Process:
    """``pbhost serve`` on a data directory."""
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "pbhost", "serve", "--dir", str(directory), "--http", address, *arguments]
    return Process(command, f"http://{address}", "/api/health", log, directory.parent)


def bare(log: Path) -> Process:
    """The smallest server of the same stack: aiohttp and uvloop answering a constant JSON."""
    port = free_port()
    command = [sys.executable, "-m", "bench.bare", str(port)]
    return Process(command, f"http://127.0.0.1:{port}", "/", log, Path(__file__).parent.parent)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def request(
    url: str, body: object = None, *, method: str = "", headers: Mapping[str, str] | None = None
) -> tuple[int, dict[str, object]]:
    """A plain request with a JSON body; returns the status and the JSON of the answer.

    Raises:
        OSError: there is no answer.
    """
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data, dict(headers or {}), method=method or ("POST" if data else "GET"))
    if data is not None:
        asked.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            status, content = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, content = error.code, error.read()
    return status, json.loads(content or b"{}")
