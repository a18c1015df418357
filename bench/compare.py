"""Variants measured in turn, so that whatever else the machine does meets all of them."""

from __future__ import annotations

from statistics import median

from bench.environment import Environment
from bench.load import Measured, Target, run
from bench.processes import Process
from bench.report import Line, Report

BARE = Target("/")


def interleaved(environment: Environment, variants: dict[str, tuple[Process, Target]]) -> dict[str, list[Measured]]:
    """Each variant ``rounds`` times, in turn; a short run first warms up caches and connections."""
    for server, target in variants.values():
        run(server, target, 1)
    results: dict[str, list[Measured]] = {name: [] for name in variants}
    for _ in range(environment.rounds):
        for name, (server, target) in variants.items():
            results[name].append(run(server, target, environment.seconds))
    return results


def against_bare(
    environment: Environment,
    report: Report,
    name: str,
    target: Target,
    *,
    bar: float | None,
    pocketbase: float | None = None,
) -> None:
    """Measures a target as a share of the bare server."""
    report.say(name)
    results = interleaved(environment, {"bare": (environment.bare, BARE), "ours": (environment.server, target)})
    bare_rate, our_rate = (middle(results[variant]) for variant in ("bare", "ours"))
    # On a machine that is busy with other things the processor time is the steadier of the two shares.
    bare_cpu, our_cpu = (median(one.cpu for one in results[variant]) for variant in ("bare", "ours"))
    report.add(
        Line(
            name,
            our_rate / bare_rate,
            bar,
            pocketbase=pocketbase,
            note=f"{our_rate:,.0f}/s of {bare_rate:,.0f}/s; "
            f"{details(results['ours'])} ({bare_cpu / our_cpu:.2f} of bare)",
        )
    )


def middle(measured: list[Measured]) -> float:
    """The median of the rates."""
    return median(one.per_second for one in measured)


def details(measured: list[Measured]) -> str:
    """Latencies, processor time and errors in words."""
    text = (
        f"p50 {median(one.median for one in measured):.2f} ms, p99 {median(one.p99 for one in measured):.2f} ms, "
        f"{median(one.cpu for one in measured):.0f} µs CPU each"
    )
    errors = sum(one.errors for one in measured)
    return text + (f", {errors} ERRORS" if errors else "")
