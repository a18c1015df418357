"""Memory of the server that has had all the load."""

from bench.environment import Environment
from bench.report import Line, Report


def run(environment: Environment, report: Report) -> None:
    report.say("memory")
    peak = environment.server.resident_mib("VmHWM")
    now = environment.server.resident_mib()
    report.add(
        Line("memory after the load", now, 200, at_most=True, unit=" MiB", pocketbase=930, note=f"peak {peak:.0f} MiB")
    )
