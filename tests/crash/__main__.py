"""``make crash``: many rounds. ``CRASH_ROUNDS`` (or the first argument) per number of workers, ``CRASH_SEED``."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from .campaign import KINDS, Campaign


def main() -> int:
    """Runs the campaigns and prints what they saw; 1 if anything was lost or wrong."""
    rounds = int(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("CRASH_ROUNDS", "60"))
    seed = int(os.environ.get("CRASH_SEED", "0")) or time.time_ns() % 10**6
    failed = False
    for workers in (1, 2):
        chance = random.Random(seed + workers)
        kinds = [KINDS[index % len(KINDS)] for index in range(rounds)]
        chance.shuffle(kinds)
        with tempfile.TemporaryDirectory(prefix="pbhost-crash-") as directory:
            campaign = Campaign(Path(directory), workers=workers, seed=seed, longest=2.0)
            report = asyncio.run(campaign.run(kinds))
            sys.stdout.write(f"workers: {workers}, seed: {seed}, {report}\n")
            sys.stdout.writelines(f"  {fault}\n" for fault in report.faults[:50])
            if report.faults:
                failed = True
                sys.stdout.write(f"--- server ---\n{campaign.server.output()[-4000:]}\n")
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
