"""Variants measured in turn, so that whatever else the machine does meets all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Ratio:
    """How much processor time an answer takes, as a multiple of another variant's.

    Attributes:
        least: of the cheapest runs of both. Whatever else a machine does only ever adds to what an answer costs, so
            the cheapest of many short runs is the steadiest figure.
        halves: the same of the even and of the odd runs alone; how far they are apart tells the noise.
        microseconds: what that is per answer.
    """

    least: float
    halves: tuple[float, float]
    microseconds: float

    @property
    def noise(self) -> str:
        """In words."""
        low, high = sorted(self.halves)
        return f"halves of the runs: {low - 1:+.1%}, {high - 1:+.1%}"


def paired(
    environment: Environment, base: Process, others: Mapping[str, Process], target: Target, *, runs: int
) -> dict[str, Ratio]:
    """Each variant beside the base in many short runs, so that a difference of 1 % is told from noise.

    The processor time of the server counts, not the rate: what else runs on the machine takes from the rate first. One
    connection asks, for how many requests share a turn of the event loop depends on how busy the machine is. In every
    other round the order is turned, so that a machine that slows down or speeds up favours nobody.
    """
    servers = {"": base, **others}
    for server in servers.values():
        run(server, target, 1)
    costs: dict[str, list[float]] = {name: [] for name in servers}
    for number in range(max(runs, 4)):
        order = list(servers) if number % 2 == 0 else list(reversed(servers))
        for name in order:
            costs[name].append(run(servers[name], target, 1, connections=1).cpu)
    least = min(costs[""])
    return {
        name: Ratio(
            least=min(costs[name]) / least,
            halves=(min(costs[name][::2]) / min(costs[""][::2]), min(costs[name][1::2]) / min(costs[""][1::2])),
            microseconds=min(costs[name]) - least,
        )
        for name in others
    }
