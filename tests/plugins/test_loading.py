"""What a plugin author sees when a plugin is loaded, and when it cannot be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pbhost.config import PluginsConfig
from pbhost.errors import ConfigError, PbhostError, PluginError
from pbhost.hooks import HookRegistry
from pbhost.plugins import PluginRegistry, load_plugins

Loader = Callable[..., PluginRegistry]

HOOK = """
from pbhost import hookimpl

@hookimpl
async def on_record_create(event):
    pass
"""


@pytest.fixture
def load(tmp_path: Path) -> Loader:
    def run(files: dict[str, str], **options: object) -> PluginRegistry:
        directory = tmp_path / "pb_plugins"
        for name, text in files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        names = tuple(Path(name).parts[0].removesuffix(".py") for name in files)
        return load_plugins(PluginsConfig(dir=directory, **({"only": names} | options)))  # type: ignore[arg-type]

    return run


def test_a_file_and_a_package_are_plugins(load: Loader) -> None:
    registry = load({"b_file.py": HOOK, "a_package/__init__.py": HOOK, "a_package/part.py": ""})
    assert registry.names() == ["a_package", "b_file"]
    assert [plugin.source for plugin in registry] == ["file", "file"]


def test_files_of_the_directory_can_import_each_other(load: Loader) -> None:
    registry = load({"first.py": HOOK + "\nLIMIT = 5\n", "second.py": "from pb_plugins.first import LIMIT\n" + HOOK})
    assert registry.names() == ["first", "second"]


def test_an_object_named_plugin_is_registered_instead_of_its_module(load: Loader) -> None:
    registry = load(
        {
            "thing.py": (
                "from pbhost import hookimpl\n"
                "class Thing:\n"
                "    '''Does a thing.\n\n    More.'''\n"
                "    requires_services = ('database',)\n"
                "    VERSION = '2.1'\n"
                "    @hookimpl\n"
                "    def on_request(self, event): pass\n"
                "    @hookimpl\n"
                "    def provide_database(self, app): return None\n"
                "plugin = Thing()\n"
            )
        }
    )
    thing = registry.get("thing")
    assert thing is not None
    assert (thing.version, thing.description) == ("2.1", "Does a thing.")
    assert registry.providers("database") == ["thing"]


def test_later_plugins_run_before_earlier_ones(load: Loader) -> None:
    registry = load({"a.py": HOOK, "b.py": HOOK, "c.py": HOOK.replace("@hookimpl", "@hookimpl(trylast=True)")})
    hooks = HookRegistry(registry.manager)
    hooks.refresh()
    assert [item.plugin for item in hooks.implementations["on_record_create"]] == ["b", "a", "c"]
    described = {str(item["name"]): item["hooks"] for item in registry.describe(hooks)}
    assert described["a"][0]["order"] == 2  # type: ignore[index,call-overload]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "import no_such_module_here",
            "cannot be imported: ModuleNotFoundError: No module named 'no_such_module_here'",
        ),
        ("x = 1/0", "ZeroDivisionError: division by zero (line 1)"),
        ("def broken(:", "SyntaxError"),
        ("raise SystemExit(3)", "cannot be imported: SystemExit: 3"),
        (
            HOOK.replace("on_record_create", "on_record_craete"),
            "there is no hook 'on_record_craete'; did you mean 'on_record_create'?",
        ),
        (HOOK.replace("(event)", "(evnt)"), "hook on_record_create has no argument 'evnt'; did you mean 'event'?"),
        (HOOK + "\ndef on_record_update(event): pass\n", "defines on_record_update without @hookimpl"),
        (
            HOOK.replace("async def on_record_create(event)", "async def register_routes(app)"),
            "register_routes must be a plain function",
        ),
        (HOOK + "\nrequires_pbhost = '>=99'\n", "needs pbhost >=99"),
        (HOOK + "\nrequires_pbhost = 'about two'\n", "is not a version range"),
        (
            HOOK + "\nrequires_services = ['mailer']\n",
            "needs the mailer service, which no loaded plugin provides: load the built-in 'mail'",
        ),
        (HOOK + "\nrequires_services = 'post_office'\n", "requires the service 'post_office', which does not exist"),
        (HOOK + "\nCONFIG_SCHEMA = 5\n", "CONFIG_SCHEMA must be a JSON Schema"),
    ],
)
def test_a_plugin_that_cannot_be_used_is_named_with_the_reason(load: Loader, text: str, expected: str) -> None:
    with pytest.raises(PluginError) as caught:
        load({"faulty.py": text})
    message = str(caught.value)
    assert "plugin 'faulty'" in message
    assert expected in message
    assert "\n" not in message


def test_a_file_without_hooks_is_loaded_with_a_warning(load: Loader, caplog: pytest.LogCaptureFixture) -> None:
    assert load({"empty.py": "x = 1"}).names() == ["empty"]
    assert "plugin 'empty' (pb_plugins/empty.py) has no hook" in caplog.text


def test_only_and_block(load: Loader) -> None:
    assert load({"a.py": HOOK, "b.py": HOOK}, only=("a", "b"), block=("a",)).names() == ["b"]


@pytest.mark.parametrize("key", ["only", "block"])
def test_an_unknown_name_in_only_or_block_is_refused(load: Loader, key: str) -> None:
    with pytest.raises(ConfigError, match=f"plugins.{key}: no plugin is named 'slgus'; did you mean 'slugs'?"):
        load({"slugs.py": HOOK}, **{key: ("slgus",)})


def test_a_broken_plugin_can_be_blocked(load: Loader) -> None:
    assert load({"fine.py": HOOK, "faulty.py": "1/0"}, block=("faulty",)).names() == ["fine"]


def test_the_built_ins_are_found_by_their_entry_points(tmp_path: Path) -> None:
    from pbhost.plugins.discovery import discover

    found = discover(PluginsConfig(dir=tmp_path))
    assert [c.name for c in found if c.source == "built-in"][:3] == ["sqlite", "records", "operations"]


SCHEMA = (
    HOOK
    + """
CONFIG_SCHEMA = {
    "type": "object", "additionalProperties": False, "required": ["url"],
    "properties": {
        "url": {"type": "string"}, "limit": {"type": "integer", "default": 5},
        "key": {"type": "string", "writeOnly": True},
        "nested": {"type": "object", "default": {}, "properties": {"on": {"type": "boolean", "default": True}}},
    },
}
"""
)


def test_options_get_their_defaults_and_secrets(load: Loader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MY_KEY", "s3cret")
    (tmp_path / "url.txt").write_text("memory://x\n", "utf-8")
    registry = load({"p.py": SCHEMA}, tables={"p": {"url": f"file:{tmp_path}/url.txt", "key": "env:MY_KEY"}})
    assert registry.options("p") == {"url": "memory://x", "limit": 5, "key": "s3cret", "nested": {"on": True}}
    shown = registry.describe()[0]["options"]
    assert shown == {"url": "******", "limit": 5, "key": "******", "nested": {"on": True}}


def test_a_file_url_is_no_secret_reference(load: Loader) -> None:
    assert load({"p.py": SCHEMA}, tables={"p": {"url": "file:///srv"}}).options("p")["url"] == "file:///srv"


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({}, "plugins.p: 'url' is a required property"),
        ({"url": 5}, "plugins.p.url: 5 is not of type 'string'"),
        ({"url": "x", "limti": 1}, "'limti' was unexpected"),
        ({"url": "env:NOT_SET_ANYWHERE"}, "plugins.p.url: the environment variable NOT_SET_ANYWHERE is not set"),
        ({"url": "file:/no/such/file"}, "plugins.p.url: the file /no/such/file cannot be read"),
    ],
)
def test_wrong_options_are_named(load: Loader, table: dict[str, object], expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load({"p.py": SCHEMA}, tables={"p": table})
    assert expected in str(caught.value)


def test_a_secret_is_not_shown_in_the_error_about_it(load: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "hunter2")
    with pytest.raises(ConfigError) as caught:
        load({"p.py": SCHEMA}, tables={"p": {"url": "x", "limit": "env:MY_KEY"}})
    assert "hunter2" not in str(caught.value)
    assert "plugins.p.limit" in str(caught.value)


def test_a_table_for_a_plugin_without_options_is_refused(load: Loader) -> None:
    with pytest.raises(ConfigError, match="takes no options"):
        load({"p.py": HOOK}, tables={"p": {"x": 1}})


def test_changed_files_are_taken_in_and_broken_ones_keep_their_running_version(tmp_path: Path) -> None:
    directory = tmp_path / "pb_plugins"
    directory.mkdir()
    (directory / "a.py").write_text(HOOK, "utf-8")
    (directory / "b.py").write_text(HOOK, "utf-8")
    registry = PluginRegistry(PluginsConfig(dir=directory))
    assert registry.reload_files() == ["a", "b"]
    (directory / "a.py").write_text(HOOK.replace("on_record_create", "on_record_delete"), "utf-8")
    (directory / "b.py").write_text("1/0", "utf-8")
    (directory / "c.py").write_text(HOOK, "utf-8")
    with pytest.raises(PbhostError, match="plugin 'b'"):
        registry.reload_files()
    hooks = HookRegistry(registry.manager)
    hooks.refresh()
    mine = {
        name: [item.plugin for item in items if item.plugin in "abc"] for name, items in hooks.implementations.items()
    }
    assert mine["on_record_delete"] == ["a"]
    assert sorted(mine["on_record_create"]) == ["b", "c"]
    (directory / "b.py").unlink()
    assert "b" in registry.reload_files()
    assert registry.get("b") is None
