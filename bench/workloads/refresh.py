"""A token exchanged for a new one, with its record."""

from bench.compare import against_bare
from bench.environment import PEOPLE, PERSON, Environment
from bench.load import Target
from bench.processes import request
from bench.report import Report


def run(environment: Environment, report: Report) -> None:
    path = f"{environment.server.url}/api/collections/{PEOPLE}/auth-with-password"
    status, signed_in = request(path, {"identity": PERSON["email"], "password": PERSON["password"]})
    if status != 200:
        raise SystemExit(f"sign-in failed with {status}: {signed_in}")
    target = Target(
        f"/api/collections/{PEOPLE}/auth-refresh", "post.lua", headers=(f"Authorization: {signed_in['token']}",)
    )
    against_bare(environment, report, "auth-refresh", target, bar=0.35, pocketbase=0.20)
