"""The cheapest answer: what the pipeline itself costs."""

from bench.compare import against_bare
from bench.environment import Environment
from bench.load import Target
from bench.report import Report


def run(environment: Environment, report: Report) -> None:
    against_bare(environment, report, "health", Target("/api/health"), bar=0.75, pocketbase=0.69)
