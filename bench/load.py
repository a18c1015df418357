"""The load generator: wrk with one thread and 32 connections, and what it counted."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.processes import Process

_SCRIPTS = Path(__file__).parent / "scripts"
_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked.

    Attributes:
        path: of the URL, with its query.
        script: a file of ``scripts/`` that makes the requests.
        arguments: for the script.
        headers: ``Name: value`` lines.
    """

    path: str
    script: str = ""
    arguments: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: answers per second, latencies in ms, errors, and the server's processor time per answer in µs."""

    per_second: float
    median: float
    p99: float
    errors: int
    answers: int
    cpu: float


def run(server: Process, target: Target, seconds: float, connections: int = 32) -> Measured:
    """Loads a server for some seconds."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(round(seconds), 1)}s", "--latency", "--timeout", "30s"]
    for header in target.headers:
        command += ["-H", header]
    if target.script:
        command += ["-s", str(_SCRIPTS / target.script)]
    command.append(server.url + target.path)
    if target.arguments:
        command += ["--", *target.arguments]
    before = server.cpu_seconds()
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60).stdout
    spent = server.cpu_seconds() - before
    answers = int(_find(r"(\d+) requests in", output))
    errors = int(_find(r"Non-2xx or 3xx responses: (\d+)", output) or 0)
    for found in re.findall(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output):
        errors += sum(map(int, found))
    return Measured(
        per_second=float(_find(r"Requests/sec:\s+([\d.]+)", output)),
        median=_milliseconds(_find(r"50%\s+(\S+)", output)),
        p99=_milliseconds(_find(r"99%\s+(\S+)", output)),
        errors=errors,
        answers=answers,
        cpu=spent / max(answers, 1) * 1e6,
    )


def _find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found.group(1) if found else ""


def _milliseconds(text: str) -> float:
    found = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text)
    return float(found.group(1)) * _UNITS[found.group(2)] if found else 0.0
