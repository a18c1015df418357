"""Creates whose rule speaks of the caller and of the body, by 32 clients."""

import json

from bench.environment import Environment
from bench.load import Target
from bench.load import run as load
from bench.report import Line, Report
from bench.workloads.shapes import running_shapes

_POCKETBASE = 1357
_RULE = "@request.auth.id != '' && @request.body.text:isset = true && author = ''"


def run(environment: Environment, report: Report) -> None:
    report.say("create with an auth and a body rule")
    shapes = running_shapes(environment, report)
    shapes.change("notes", createRule=_RULE)
    body = environment.scratch / "note.json"
    body.write_text(json.dumps({"text": "Note %d"}))
    headers = (f"Authorization: {shapes.token}",)
    target = Target("/api/collections/notes/records", "post.lua", (str(body),), headers)
    load(shapes.server, target, 1)
    measured = load(shapes.server, target, environment.seconds)
    if measured.errors:
        raise SystemExit(f"{measured.errors} creates were refused")
    note = f"p50 {measured.median:.2f} ms, p99 {measured.p99:.2f} ms"
    report.add(
        Line(
            "create, auth and body rule", measured.per_second, _POCKETBASE, unit="/s", pocketbase=_POCKETBASE, note=note
        )
    )
