"""Two worker processes: how much more they read, and whether every write they acknowledge is there."""

import sqlite3

from bench.compare import details, interleaved, middle
from bench.environment import COLLECTION, Environment
from bench.load import run as load
from bench.processes import pbhost
from bench.report import Line, Report
from bench.workloads import create, listing, view


def run(environment: Environment, report: Report) -> None:
    report.say("workers")
    reads = {"single records": view.target(environment), "lists": listing.target()}
    one_directory, two_directory = environment.copy("one_worker"), environment.copy("two_workers")
    with (
        pbhost(one_directory, environment.log) as one,
        pbhost(two_directory, environment.log, "--workers", "2") as two,
    ):
        results = {
            name: interleaved(environment, {"one": (one, target), "two": (two, target)})
            for name, target in reads.items()
        }
        before = _count(two_directory)
        written = load(two, create.target(environment), environment.seconds)
        # The load ends with requests in flight; they may be committed without having been counted.
        lost = max(written.answers - (_count(two_directory) - before), 0)
    for name, result in results.items():
        ratio = middle(result["two"]) / middle(result["one"])
        report.add(Line(f"two workers to one, {name}", ratio, 1.5, note=details(result["two"])))
    rate = f"{written.per_second:,.0f} creates/s"
    report.add(Line("writes of two workers refused", written.errors, 0, at_most=True, note=rate))
    report.add(Line("writes of two workers lost", lost, 0, at_most=True))


def _count(directory: object) -> int:
    raw = sqlite3.connect(f"file:{directory}/data.db?mode=ro", uri=True)
    try:
        return int(raw.execute(f"SELECT count(*) FROM {COLLECTION}").fetchone()[0])
    finally:
        raw.close()
