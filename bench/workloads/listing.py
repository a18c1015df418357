"""A page of 30: without a total, with one, and with a filter and an order that no index helps."""

from bench.compare import against_bare
from bench.environment import COLLECTION, Environment
from bench.load import Target
from bench.report import Report

_PATH = f"/api/collections/{COLLECTION}/records?perPage=30"


def target() -> Target:
    """A page without a total."""
    return Target(f"{_PATH}&skipTotal=1")


def run_plain(environment: Environment, report: Report) -> None:
    against_bare(environment, report, "list 30, no total", target(), bar=0.14, pocketbase=0.055)


def run_total(environment: Environment, report: Report) -> None:
    against_bare(environment, report, "list 30 with total", Target(_PATH), bar=0.03, pocketbase=0.009)


def run_unindexed(environment: Environment, report: Report) -> None:
    # The same query again and again, as a page that many people open: its rows are kept while nothing is committed.
    name = "list 30, unindexed filter and sort"
    path = f"{_PATH}&skipTotal=1&sort=-published%2Ctitle&filter=active%3Dtrue%26%26score%3E"
    against_bare(environment, report, name, Target(f"{path}5000"), bar=0.005, pocketbase=0.004)
    # With other values each time all 100,000 rows are gone through.
    against_bare(
        environment, report, f"{name}, new values", Target(f"{path}5NUMBER", "numbers.lua", ("100",)), bar=None
    )
