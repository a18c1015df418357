"""Creates by 32 clients, each durable before it is answered."""

import json

from bench.compare import against_bare
from bench.data import new_article
from bench.environment import COLLECTION, Environment
from bench.load import Target
from bench.report import Report


def target(environment: Environment) -> Target:
    body = environment.scratch / "article.json"
    body.write_text(json.dumps(new_article()))
    return Target(f"/api/collections/{COLLECTION}/records", "post.lua", (str(body),))


def run(environment: Environment, report: Report) -> None:
    against_bare(environment, report, "create", target(environment), bar=0.20, pocketbase=0.13)
