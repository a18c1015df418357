"""The example of each hook in docs/examples/hooks runs: loaded as a user would load it, fired, without a failure."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pbhost.hooks import specs
from pbhost.hooks.events import PluginsReloadEvent
from pbhost.testing import Running, running_app
from tests.hooks.test_every_hook_fires import (
    NothingToDo,
    Recorder,
    live_through_everything,
    provider,
    smtp,
)
from tests.plugins.test_seams import use

__all__ = ["provider", "smtp"]  # fixtures of that module

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "hooks"
HOOKS = sorted(name for name in vars(specs) if name.startswith(("on_", "register_", "provide_")))


def of_family(prefix: str) -> list[str]:
    return [name for name in HOOKS if name.startswith(prefix)]


def install(names: list[str], directory: Path) -> None:
    """Puts examples where a user would put them."""
    (directory / "pb_plugins").mkdir()
    for name in names:
        shutil.copyfile(EXAMPLES / f"{name}.py", directory / "pb_plugins" / f"{name}.py")


def calls(described: list[dict[str, Any]], name: str) -> tuple[int, int]:
    """Calls and failures of the hook that the plugin of its name shows."""
    (plugin,) = (item for item in described if item["name"] == name)
    implementations = [item for item in plugin["hooks"] if item["hook"] == name]
    return sum(item["calls"] for item in implementations), sum(item["failures"] for item in implementations)


def test_each_hook_has_an_example_and_each_example_a_hook() -> None:
    assert sorted(path.stem for path in EXAMPLES.glob("*.py")) == HOOKS


@pytest.mark.parametrize("name", HOOKS)
def test_an_example_says_what_it_shows_and_implements_only_its_hook(name: str) -> None:
    text = (EXAMPLES / f"{name}.py").read_text()
    assert text.startswith('"""')
    assert text.split('"""')[1].endswith((".", "``.", "name."))
    assert f"def {name}(" in text
    others = [other for other in HOOKS if f"def {other}(" in text and other != name]
    assert others == []


async def test_the_example_of_each_event_hook_runs(tmp_path: Path, provider: str, smtp: int) -> None:
    names = of_family("on_")
    install(names, tmp_path)
    recorder = Recorder()
    async with running_app(tmp_path, recorder, NothingToDo()) as running:
        await live_through_everything(running, recorder, provider, smtp)
        reload = running.app.hooks.chain("on_plugins_reload")
        assert reload is not None
        await reload.run(PluginsReloadEvent(app=running.app, names=["posts"]), nothing)
        app = running.app
    described = app.plugins.describe(app.hooks)
    found = {name: calls(described, name) for name in names}
    assert [name for name, (fired, _) in found.items() if not fired] == []
    assert [name for name, (_, failures) in found.items() if failures] == []


async def nothing() -> None:
    """The operation of a hook that is only told."""


async def test_the_example_of_each_service_serves(tmp_path: Path) -> None:
    names = of_family("provide_")
    install(names, tmp_path)
    async with running_app(tmp_path) as running:
        await use(running)
        for name in names:
            service = name.removeprefix("provide_")
            assert running.app.plugins.providers(service)[0] == name
            in_use = getattr(running.app, "db" if service == "database" else service)
            assert type(in_use).__module__.endswith(name)


# -- what each registered thing does ---------------------------------------------------------------------------------

Check = Callable[[Running, str], Awaitable[None]]


async def routes(running: Running, root: str) -> None:
    assert (await running.request("GET", "/api/hello/ann")).body == {"hello": "ann"}
    assert (await running.request("GET", "/api/totals")).status == 401
    assert "posts" in (await running.request("GET", "/api/totals", token=root)).body  # type: ignore[operator]


async def middlewares(running: Running, _root: str) -> None:
    assert (await running.request("GET", "/api/health")).headers["X-Served-By"] == "blog"


async def field_types(running: Running, root: str) -> None:
    path = "/api/collections/posts/records"
    good = await running.request("POST", path, {"title": "a long title", "tint": "#33AAff"}, token=root)
    assert good["tint"] == "#33aaff"
    bad = await running.request("POST", path, {"title": "b", "tint": "red"}, token=root)
    assert bad.at("data", "tint", "code") == "validation_colour"


async def collection_types(running: Running, root: str) -> None:
    made = await running.request("POST", "/api/collections", {"name": "diary", "type": "journal"}, token=root)
    assert made.status == 200, made.body
    entry = await running.request("POST", "/api/collections/diary/records", {}, token=root)
    assert entry["created"]


async def filter_functions(running: Running, root: str) -> None:
    found = await running.request("GET", "/api/collections/posts/records?filter=length(title)>5", token=root)
    assert found["totalItems"] == 1


async def auth_methods(running: Running, _root: str) -> None:
    await running.user("ann@example.com")
    path = "/api/collections/users"
    assert (await running.request("GET", f"{path}/auth-methods"))["badge"] == {"enabled": True}
    assert (await running.request("POST", f"{path}/auth-with-badge", {"badge": "4711"}))["token"]
    assert (await running.request("POST", f"{path}/auth-with-badge", {"badge": "1"})).status == 400


async def oauth2_providers(running: Running, root: str) -> None:
    offered = {"enabled": True, "providers": [{"name": "campus", "clientId": "c", "clientSecret": "s"}]}
    changed = await running.request("PATCH", "/api/collections/users", {"oauth2": offered}, token=root)
    assert changed.status == 200, changed.body
    methods = await running.request("GET", "/api/collections/users/auth-methods")
    assert str(methods.at("oauth2", "providers", 0, "authURL")).startswith("https://sso.campus.example/authorize?")


async def commands(running: Running, _root: str) -> None:
    (group,) = (item for item in running.app.collect("register_commands") if getattr(item, "name", "") == "posts")
    said = CliRunner().invoke(group, ["--help"])  # type: ignore[arg-type]
    assert "Say how many there are." in said.output


async def cron_jobs(running: Running, root: str) -> None:
    jobs = await running.request("GET", "/api/crons", token=root)
    assert {"id": "tidy_posts", "expression": "0 3 * * *"} in jobs.body  # type: ignore[operator]
    await running.app.records.create("posts", {"title": ""})
    assert (await running.request("POST", "/api/crons/tidy_posts", token=root)).status == 204


async def migrations(running: Running, _root: str) -> None:
    assert await running.app.db.read(lambda c: c.fetch_all("SELECT * FROM _blog_visits")) == []


async def settings_sections(running: Running, root: str) -> None:
    assert (await running.request("GET", "/api/settings", token=root))["newsletter"] == {"perDay": 1}
    refused = await running.request("PATCH", "/api/settings", {"newsletter": {"perDay": 0}}, token=root)
    assert refused.at("data", "newsletter", "perDay", "code") == "validation_min"


async def dashboard_extensions(running: Running, _root: str) -> None:
    script = await running.request("GET", "/_/extensions/greeting/main.js")
    assert "hello from the plugin" in script.text


async def checks(running: Running, _root: str) -> None:
    (check,) = (item for item in running.app.collect("register_checks") if getattr(item, "id", "") == "blog.titles")
    await running.app.records.create("posts", {"title": ""})
    (finding,) = await check.examine(None)  # type: ignore[attr-defined]
    assert "no title" in finding.what


CHECKS: dict[str, Check] = {
    f"register_{check.__name__}": check
    for check in (
        routes,
        middlewares,
        field_types,
        collection_types,
        filter_functions,
        auth_methods,
        oauth2_providers,
        commands,
        cron_jobs,
        migrations,
        settings_sections,
        dashboard_extensions,
        checks,
    )
}


async def test_the_example_of_each_registration_has_its_effect(tmp_path: Path) -> None:
    assert sorted(CHECKS) == of_family("register_")
    install(of_family("register_"), tmp_path)
    async with running_app(tmp_path) as running:
        root = await running.superuser()
        fields = [{"name": "title", "type": "text"}, {"name": "tint", "type": "colour"}]
        made = await running.request("POST", "/api/collections", {"name": "posts", "fields": fields}, token=root)
        assert made.status == 200, made.body
        for check in CHECKS.values():
            await check(running, root)
