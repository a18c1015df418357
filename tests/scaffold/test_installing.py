"""``pbhost plugin install`` and ``uninstall``, for real, in a clean environment and without any index."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from pbhost.config import PluginsConfig
from pbhost.errors import PluginError
from pbhost.plugins import installing
from tests.scaffold.environment import Environment, wheel

PLUGIN = "from pbhost import hookimpl\n\n\n@hookimpl\ndef on_record_create(event): ...\n"


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """What pip may find."""
    return tmp_path / "wheels"


def install(environment: Environment, index: Path, *requirements: str | Path) -> tuple[int, str]:
    arguments = ("plugin", "install", "--no-index", "--find-links", index, *requirements)
    done = environment.pbhost(*arguments, cwd=index.parent)
    return done.returncode, done.stdout + done.stderr


def loaded(environment: Environment, cwd: Path) -> dict[str, str]:
    done = environment.pbhost("plugins", "--json", cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return {plugin["name"]: plugin["version"] for plugin in json.loads(done.stdout)["plugins"]}


def test_a_plugin_is_installed_upgraded_and_uninstalled(environment: Environment, index: Path) -> None:
    modules = {"pbhost_one": PLUGIN}
    wheel(index, "pbhost-one", modules, plugins={"one": "pbhost_one"}, requires=["pbhost>=0.1", "helper"])
    wheel(index, "helper", {"helper": ""})
    code, output = install(environment, index, "pbhost-one")
    assert code == 0, output
    assert "one is loaded from the next start on" in output
    assert loaded(environment, index.parent)["one"] == "1.0"
    again = install(environment, index, "pbhost-one")
    assert (again[0], "nothing new was installed" in again[1]) == (0, True)

    wheel(index, "pbhost-one", modules, version="1.1", plugins={"one": "pbhost_one"}, requires=["pbhost>=0.1"])
    code, output = install(environment, index, "--upgrade", "pbhost-one")
    assert code == 0, output
    assert loaded(environment, index.parent)["one"] == "1.1"

    (index.parent / "pbhost.toml").write_text('[plugins]\nblock = ["one"]\n')
    gone = environment.pbhost("plugin", "uninstall", "one", cwd=index.parent)
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert "remove 'one' from plugins.block" in gone.stdout
    (index.parent / "pbhost.toml").unlink()
    assert "one" not in loaded(environment, index.parent)
    environment.uninstall("helper")


def test_what_is_no_plugin_is_said(environment: Environment, index: Path) -> None:
    stranger = wheel(index, "stranger", {"stranger": ""})
    code, output = install(environment, index, stranger)
    assert code == 1
    assert "stranger: installed, but no pbhost plugin" in output
    refused = environment.pbhost("plugin", "uninstall", "stranger", cwd=index.parent)
    assert (refused.returncode, "no installed plugin" in refused.stderr) == (1, True)
    environment.uninstall("stranger")


def test_what_cannot_be_found_or_does_not_fit_this_pbhost_changes_nothing(
    environment: Environment, index: Path
) -> None:
    wheel(index, "pbhost-later", {"pbhost_later": PLUGIN}, plugins={"later": "pbhost_later"}, requires=["pbhost>=99"])
    wheel(index, "pbhost", {"pbhost": ""}, version="99.0")
    before = loaded(environment, index.parent)
    for name in ("pbhost-nowhere", "pbhost-later"):
        code, output = install(environment, index, name)
        assert code == 1, output
        assert "pip install failed with exit code 1" in output
        assert "Traceback" not in output
    assert loaded(environment, index.parent) == before


def test_a_plugin_that_the_server_would_not_start_with_is_named(environment: Environment, index: Path) -> None:
    text = f"requires_pbhost = '>=99'\n{PLUGIN}"
    wheel(index, "pbhost-choosy", {"pbhost_choosy": text}, plugins={"choosy": "pbhost_choosy"}, requires=["pbhost"])
    code, output = install(environment, index, "pbhost-choosy")
    assert code == 1
    assert "FAIL version range and options: plugin 'choosy' 1.0 needs pbhost >=99" in output
    assert "The server would not start with choosy" in output
    gone = environment.pbhost("plugin", "uninstall", "pbhost-choosy", cwd=index.parent)
    assert (gone.returncode, "choosy: not loaded any more" in gone.stdout) == (0, True)


def test_what_comes_with_pbhost_and_what_is_a_file_are_not_uninstalled(
    environment: Environment, tmp_path: Path
) -> None:
    (tmp_path / "pb_plugins").mkdir()
    (tmp_path / "pb_plugins" / "mine.py").write_text(PLUGIN)
    for name, reason in (
        ("records", "comes with pbhost"),
        ("pbhost", "comes with pbhost"),
        ("mine", "remove pb_plugins/mine.py"),
        ("recrods", "did you mean 'records'?"),
    ):
        refused = environment.pbhost("plugin", "uninstall", name, cwd=tmp_path)
        assert refused.returncode == 1, name
        assert reason in refused.stderr
    assert "records" in loaded(environment, tmp_path)


def test_in_the_python_of_the_system_it_says_where_plugins_belong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setattr(installing.sysconfig, "get_path", lambda _name: str(tmp_path))
    with pytest.raises(PluginError, match="into an environment of their own"):
        installing.install(["pbhost-one"])


def test_without_pip_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing, "find_spec", lambda _name: None)
    monkeypatch.setattr(installing, "_plugins_by_distribution", lambda: {"pbhost-one": ["one"]})
    with pytest.raises(PluginError, match="has no pip"):
        installing.uninstall(["one"], PluginsConfig(dir=tmp_path))
