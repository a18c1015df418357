"""Password sign-ins: what they cost beside the hash, and what they do to everybody else's requests."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from argon2 import PasswordHasher

from bench.compare import details, middle
from bench.environment import PEOPLE, PERSON, Environment
from bench.load import Measured, Target
from bench.load import run as load
from bench.report import Line, Report
from bench.workloads import view

#: Of the plugin's defaults (OWASP's): memory in KiB, passes.
_COST = (19 * 1024, 2)
_SIGNING_IN = 8
#: Few, so that the load alone does not fill the machine and the wait of one request shows.
_READING = 2
_VERIFICATIONS = 20


def run(environment: Environment, report: Report) -> None:
    report.say("sign-in")
    server, reading = environment.server, view.target(environment)
    signing_in = _target(environment)
    for target in (signing_in, reading):
        load(server, target, 1, _READING)
    cost: list[float] = []
    only: list[Measured] = []
    quiet: list[Measured] = []
    beside: list[Measured] = []
    for _ in range(environment.rounds):
        cost.append(_verification_cpu())
        only.append(load(server, signing_in, environment.seconds, _SIGNING_IN))
        quiet.append(load(server, reading, environment.seconds, _READING))
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(load, server, signing_in, environment.seconds + 1, _SIGNING_IN)
            beside.append(load(server, reading, environment.seconds, _READING))
            running.result()
    # By processor time: a machine that is busy with other things gives fewer of them, but does not make them dearer.
    share = median(cost) / median(one.cpu for one in only)
    note = f"{middle(only):,.0f}/s with {_SIGNING_IN} clients; {details(only)}, {median(cost):.0f} µs of them the hash"
    report.add(Line("password sign-in, share of the hash", share, 0.8, note=note))
    kept = middle(beside) / middle(quiet)
    report.add(Line("views beside sign-ins", kept, 0.6, note=f"{middle(beside):,.0f}/s of {middle(quiet):,.0f}/s"))
    before, during = (median(one.p99 for one in measured) for measured in (quiet, beside))
    note = f"{during:.2f} ms, {before:.2f} ms without"
    report.add(Line("sign-ins add to the p99 of views", during - before, 10, at_most=True, unit=" ms", note=note))


def _target(environment: Environment) -> Target:
    body = environment.scratch / "sign_in.json"
    body.write_text(json.dumps({"identity": PERSON["email"], "password": PERSON["password"]}))
    return Target(f"/api/collections/{PEOPLE}/auth-with-password", "post.lua", (str(body),))


def _verification_cpu() -> float:
    """Processor time of one verification alone, in µs."""
    memory, passes = _COST
    hasher = PasswordHasher(time_cost=passes, memory_cost=memory, parallelism=1)
    stored = hasher.hash("correct-horse-9")
    started = time.process_time()
    for _ in range(_VERIFICATIONS):
        hasher.verify(stored, "correct-horse-9")
    return (time.process_time() - started) / _VERIFICATIONS * 1e6
