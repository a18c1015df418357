"""A thousand clients on one topic: messages delivered in a second while records are created."""

import json
import subprocess
import sys

from bench.environment import MESSAGES, Environment
from bench.report import Line, Report

CLIENTS = 1000
CREATES = 240


def run(environment: Environment, report: Report) -> None:
    report.say("fan-out")
    command = [sys.executable, "-m", "bench.subscribers", environment.server.url, MESSAGES, str(CLIENTS), str(CREATES)]
    before = environment.server.cpu_seconds()
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        raise SystemExit(f"the subscribers failed:\n{done.stderr[-3000:]}")
    result = json.loads(done.stdout.strip().splitlines()[-1])
    cpu = environment.server.cpu_seconds() - before
    report.add(
        Line(
            "messages to 1,000 clients",
            result["messages"] / result["seconds"],
            60_000,
            unit="/s",
            pocketbase=33_000,
            note=f"{result['messages']:,} of {CLIENTS * CREATES:,} in {result['seconds']:.2f} s, "
            f"server CPU {cpu:.2f} s with connecting",
        )
    )
