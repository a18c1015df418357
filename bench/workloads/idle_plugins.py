"""Twenty plugins whose hooks are not on the path of a view: what they cost it."""

from bench.compare import paired
from bench.environment import Environment
from bench.processes import pbhost
from bench.report import Line, Report
from bench.workloads import view

_PLUGIN = """
from pbhost import hookimpl


@hookimpl(collections=["messages"])
async def on_record_view_request(event):
    event.record["seen"] = True


@hookimpl
async def on_record_create(event):
    return None
"""
#: Runs of a second for each round asked for.
_RUNS = 12


def run(environment: Environment, report: Report) -> None:
    report.say("idle plugins")
    plain = environment.copy("without_plugins")
    loaded = environment.copy("with_plugins")
    plugins = loaded.parent / "pb_plugins"
    plugins.mkdir()
    for number in range(20):
        (plugins / f"idle{number}.py").write_text(_PLUGIN)
    target = view.target(environment)
    with pbhost(plain, environment.log) as without, pbhost(loaded, environment.log) as with_plugins:
        found = paired(environment, without, {"with": with_plugins}, target, runs=_RUNS * environment.rounds)["with"]
    note = f"of the processor time of a view; {found.noise}"
    report.add(Line("cost of 20 idle plugins", (found.least - 1) * 100, 2, at_most=True, unit=" %", note=note))
