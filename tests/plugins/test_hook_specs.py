"""A plugin that defines hooks of its own, and others that implement them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from pbhost import App, hookimpl, hookspec
from pbhost.config import Config, PluginsConfig
from pbhost.errors import PluginError
from pbhost.hooks.events import Event
from pbhost.plugins import LoadedPlugin, PluginRegistry, load_plugins

Loader = Callable[[dict[str, str]], PluginRegistry]

DEFINES = """
from pbhost import hookimpl, hookspec

class HOOK_SPECS:
    @staticmethod
    @hookspec
    def on_parcel_sent(event, app): "A parcel left."

    @staticmethod
    @hookspec
    def register_couriers(app): "Who can carry parcels."

@hookimpl
def register_couriers(app):
    return ["own"]
"""
IMPLEMENTS = """
from pbhost import hookimpl

@hookimpl
async def on_parcel_sent(event):
    event.seen.append(__name__)

@hookimpl
def register_couriers(app):
    return [__name__]
"""


@pytest.fixture
def load(tmp_path: Path) -> Loader:
    def run(files: dict[str, str]) -> PluginRegistry:
        directory = tmp_path / "pb_plugins"
        directory.mkdir(exist_ok=True)
        for name, text in files.items():
            (directory / f"{name}.py").write_text(text, "utf-8")
        return load_plugins(PluginsConfig(dir=directory, only=tuple(files)))

    return run


async def test_plugins_before_and_after_the_defining_one_are_called(load: Loader, tmp_path: Path) -> None:
    registry = load({"a_courier": IMPLEMENTS, "parcels": DEFINES, "z_courier": IMPLEMENTS})
    app = App(Config(dir=tmp_path, public_dir=tmp_path, plugins=registry.config), registry)
    assert app.collect("register_couriers") == ["pb_plugins.a_courier", "own", "pb_plugins.z_courier"]

    class Parcel(Event):
        seen: list[str]

    event = Parcel(app=app)
    event.seen = []
    chain = app.hooks.chain("on_parcel_sent")
    assert chain is not None

    async def send() -> None:
        event.seen.append("sent")

    await chain.run(event, send)
    assert event.seen == ["pb_plugins.z_courier", "pb_plugins.a_courier", "sent"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (IMPLEMENTS.replace("parcel_sent", "parcel_snet"), "did you mean 'on_parcel_sent'"),
        (IMPLEMENTS.replace("(event)", "(parcel)"), "hook on_parcel_sent has no argument 'parcel'"),
        (IMPLEMENTS.replace("def register", "async def register"), "register_couriers must be a plain function"),
    ],
    ids=["a misspelt name", "an unknown argument", "an async function"],
)
def test_an_implementation_that_does_not_fit_is_refused(load: Loader, text: str, message: str) -> None:
    with pytest.raises(PluginError, match=message):
        load({"courier": text, "parcels": DEFINES})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (DEFINES.replace("on_parcel_sent(event, app)", "on_parcel_sent(event, weight)"), "must take event and app"),
        (DEFINES.replace("on_parcel_sent(", "parcel_sent("), "must start with on_, provide_ or register_"),
        (DEFINES.replace("on_parcel_sent(", "on_request("), "pbhost itself has a hook on_request already"),
        ("HOOK_SPECS = object()\n" + IMPLEMENTS, "HOOK_SPECS has no function"),
    ],
    ids=["other arguments", "no family", "a hook of pbhost", "none"],
)
def test_hooks_that_could_not_be_called_are_refused(load: Loader, text: str, message: str) -> None:
    with pytest.raises(PluginError, match=message):
        load({"parcels": text})


def test_two_plugins_cannot_define_the_same_hook(load: Loader) -> None:
    with pytest.raises(PluginError, match=r"the plugin 'parcels' has a hook .* already"):
        load({"parcels": DEFINES, "post": DEFINES})


def test_a_hook_of_a_plugin_that_is_missing_is_refused_unless_it_is_optional(load: Loader) -> None:
    with pytest.raises(PluginError, match="there is no hook 'on_parcel_sent'"):
        load({"courier": IMPLEMENTS})
    optional = IMPLEMENTS.replace("@hookimpl", "@hookimpl(optional=True)")
    assert load({"courier": optional}).names() == ["courier"]


def test_the_definition_of_a_reloaded_plugin_stays(load: Loader, tmp_path: Path) -> None:
    registry = load({"courier": IMPLEMENTS, "parcels": DEFINES})
    (tmp_path / "pb_plugins" / "parcels.py").write_text(DEFINES + "\n# changed\n", "utf-8")
    assert registry.reload_files() == ["parcels"]
    assert registry.names() == ["courier", "parcels"]


def test_a_module_may_hold_the_definitions(tmp_path: Path) -> None:
    specs = ModuleType("specs")

    @hookspec
    def on_parcel_sent(event: Event, app: App) -> None:
        """A parcel left."""

    vars(specs)["on_parcel_sent"] = on_parcel_sent

    class Parcels:
        HOOK_SPECS = specs

        @hookimpl
        def on_parcel_sent(self, event: Event) -> None: ...

    registry = load_plugins(PluginsConfig(dir=tmp_path, only=("records",)))
    registry.add(LoadedPlugin(name="parcels", source="flag", where="test", target=Parcels()))
    assert registry.manager.hook.on_parcel_sent.has_spec()
