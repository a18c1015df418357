"""``make bench``: seeds a database, runs the workloads, prints each one's share of a bare server beside the bar."""

from __future__ import annotations

import argparse
import resource
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.data import seed
from bench.environment import Environment
from bench.report import Report
from bench.workloads import WORKLOADS


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("workloads", nargs="*", help=f"which to run, all if none: {', '.join(WORKLOADS)}")
    parser.add_argument("--seconds", type=float, default=4, help="length of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each variant, interleaved")
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the collection")
    parser.add_argument("--keep", type=Path, help="directory for the seeded data, used again by the next run")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.workloads if name not in WORKLOADS]
    if unknown:
        parser.error(f"unknown workload {unknown[0]!r}; known are {', '.join(WORKLOADS)}")
    if shutil.which("wrk") is None:
        parser.error("the load generator wrk is not installed (Debian and Ubuntu: apt-get install wrk)")

    # A thousand clients are a thousand open files, in the server and here.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    report = Report(sys.stdout)
    with tempfile.TemporaryDirectory(prefix="pbhost-bench-") as scratch:
        environment = Environment(
            directory=options.keep or Path(scratch) / "seeded",
            scratch=Path(scratch),
            seconds=options.seconds,
            rounds=options.rounds,
            rows=options.rows,
        )
        seed(environment, report)
        with environment:
            for name, run in WORKLOADS.items():
                if not options.workloads or name in options.workloads:
                    run(environment, report)
    report.summary()
    return 0


if __name__ == "__main__":
    sys.exit(main())
