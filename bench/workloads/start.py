"""Time to the first answer, on a fresh directory and on the seeded one, and memory before any load."""

from statistics import median

from bench.environment import Environment
from bench.processes import pbhost
from bench.report import Line, Report


def run(environment: Environment, report: Report) -> None:
    report.say("start")
    seeded = environment.copy("start")
    times: dict[str, list[float]] = {"fresh": [], "seeded": []}
    resident: list[float] = []
    for attempt in range(3):
        fresh = environment.scratch / f"fresh{attempt}" / "pb_data"
        fresh.parent.mkdir()
        for name, directory in (("fresh", fresh), ("seeded", seeded)):
            with pbhost(directory, environment.log) as server:
                times[name].append(server.first_answer)
                resident.append(server.resident_mib())
    note = f"fresh directory {median(times['fresh']):.2f} s"
    report.add(Line("first answer", median(times["seeded"]), 0.6, at_most=True, unit=" s", note=note))
    report.add(Line("idle memory", median(resident), 90, at_most=True, unit=" MiB"))
