"""Deletes of 100 users, one after the other, each with its hundred records: over one level, and over two."""

import time

from bench.environment import Environment
from bench.report import Line, Report
from bench.workloads.shapes import running_shapes

_USERS = 100


def run(environment: Environment, report: Report) -> None:
    report.say("cascade deletes")
    shapes = running_shapes(environment, report)
    for name, collection, pocketbase in (("one level", "owners", 15.0), ("two levels", "members", 35.0)):
        page = shapes.send("GET", f"/api/collections/{collection}/records?perPage={_USERS}&fields=id")
        items = page["items"]
        assert isinstance(items, list)
        started = time.perf_counter()
        for item in items:
            shapes.send("DELETE", f"/api/collections/{collection}/records/{item['id']}")
        seconds = time.perf_counter() - started
        report.add(
            Line(
                f"cascade delete of {len(items)} users, {name}",
                seconds,
                pocketbase / 5,
                at_most=True,
                unit=" s",
                pocketbase=pocketbase,
                note=f"{seconds / len(items) * 1000:.1f} ms each",
            )
        )
