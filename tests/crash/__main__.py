"""``make crash``: many rounds. ``CRASH_ROUNDS`` (or the first argument) per number of workers, ``CRASH_SEED``.

A second argument, or ``CRASH_WORKERS``, is the number of workers; without it there is a run with one and one with two.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from .campaign import KINDS, Campaign, Report

#: Rounds of one data directory: looking at all that it holds takes longer with each.
_ROUNDS = 20


def main() -> int:
    """Runs the campaigns and prints what they saw; 1 if anything was lost or wrong."""
    arguments = sys.argv[1:]
    rounds = int(arguments[0] if arguments else os.environ.get("CRASH_ROUNDS", "60"))
    chosen = arguments[1] if len(arguments) > 1 else os.environ.get("CRASH_WORKERS", "")
    seed = int(os.environ.get("CRASH_SEED", "0")) or time.time_ns() % 10**6
    reports = {workers: _run(workers, rounds, seed) for workers in ([int(chosen)] if chosen else [1, 2])}
    sys.stdout.write("\nclosing report\n")
    for workers, report in reports.items():
        sys.stdout.write(f"workers: {workers}, seed: {seed}, {report}\n")
    return 1 if any(report.faults for report in reports.values()) else 0


def _run(workers: int, rounds: int, seed: int) -> Report:
    chance = random.Random(seed + workers)
    possible = [kind for kind in KINDS if workers > 1 or kind != "worker"]
    kinds = [possible[index % len(possible)] for index in range(rounds)]
    chance.shuffle(kinds)
    total = Report()
    for start in range(0, rounds, _ROUNDS):
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="pbhost-crash-") as directory:
            campaign = Campaign(Path(directory), workers=workers, writers=16, seed=seed + start, longest=2.0)
            report = asyncio.run(campaign.run(kinds[start : start + _ROUNDS]))
            total.add(report)
            sys.stdout.write(f"workers: {workers}, {time.monotonic() - began:.0f} s, {report}\n")
            sys.stdout.writelines(f"  {fault}\n" for fault in report.faults[:50])
            if report.faults:
                sys.stdout.write(f"--- server ---\n{campaign.server.output()[-4000:]}\n")
                break
        sys.stdout.flush()
    return total


if __name__ == "__main__":
    sys.exit(main())
