"""One record by its id, a different one each time."""

from bench.compare import against_bare
from bench.environment import COLLECTION, Environment
from bench.load import Target
from bench.report import Report


def target(environment: Environment) -> Target:
    return Target(f"/api/collections/{COLLECTION}/records/", "ids.lua", (str(environment.ids()),))


def run(environment: Environment, report: Report) -> None:
    against_bare(environment, report, "view by id", target(environment), bar=0.45, pocketbase=0.20)
