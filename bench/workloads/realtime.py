"""Live updates: how long the last of 5,000 clients waits, a rule that names each subscriber, idle connections."""

import json
import subprocess
import sys
from pathlib import Path

from bench.environment import Environment
from bench.processes import pbhost
from bench.report import Line, Report

_MANY = 5000
_IDENTITIES = 1000
_IDLE = 10_000


def _command(url: str, directory: Path, kind: str, clients: int, messages: int) -> list[str]:
    return [sys.executable, "-m", "bench.audience", url, str(directory), kind, str(clients), str(messages)]


def _listen(environment: Environment, kind: str, clients: int, messages: int) -> dict[str, float]:
    done = subprocess.run(
        _command(environment.server.url, environment.scratch / "main" / "pb_data", kind, clients, messages),
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    if done.returncode:
        raise SystemExit(f"the audience failed:\n{done.stderr[-3000:]}")
    result: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    if result["messages"] < clients * messages:
        raise SystemExit(done.stderr)
    return result


def run_latency(environment: Environment, report: Report) -> None:
    report.say("one message to 5,000 clients")
    for kind in ("sse", "ws"):
        waits = sorted(_listen(environment, kind, _MANY, 1)["seconds"] for _ in range(environment.rounds))
        wait = waits[len(waits) // 2]
        report.add(Line(f"one message to 5,000 clients, {kind}", wait * 1000, 100, at_most=True, unit=" ms"))


def run_identities(environment: Environment, report: Report) -> None:
    report.say("a rule that names the subscriber")
    result = _listen(environment, "identities", _IDENTITIES, 60)
    rate = result["messages"] / result["seconds"]
    report.add(Line("messages, 1,000 identities in the rule", rate, 20_000, unit="/s"))


def run_idle(environment: Environment, report: Report) -> None:
    report.say("idle connections")
    directory = environment.copy("idle")
    with pbhost(directory, environment.log) as server:
        command = _command(server.url, directory, "idle", _IDLE, 0)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as audience:
            assert audience.stdout is not None
            connected = json.loads(audience.stdout.readline())["connected"]
            memory = server.resident_mib()
            assert audience.stdin is not None
            audience.stdin.close()
    report.add(Line(f"memory with {connected:,} idle connections", memory, 300, at_most=True, unit=" MiB"))
