"""A plugin that is loaded by ``--plugin`` without being installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pbhost.config import PluginsConfig
from pbhost.plugins import load_plugins

SOURCE = """
class Greeting:
    NAME = "greeting"
    CONFIG_SCHEMA = {"type": "object", "properties": {"text": {"type": "string", "default": "hello"}}}

plugin = Greeting()
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "a_greeting_plugin.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "a_greeting_plugin"
    sys.modules.pop("a_greeting_plugin", None)


@pytest.mark.parametrize("target", ["{}", "{}:plugin", "{}:Greeting"])
def test_its_options_are_those_of_the_name_that_it_gives_itself(module: str, target: str, tmp_path: Path) -> None:
    config = PluginsConfig(
        dir=tmp_path / "pb_plugins", load=(target.format(module),), tables={"greeting": {"text": "good morning"}}
    )
    registry = load_plugins(config)
    assert registry.options("greeting") == {"text": "good morning"}


def test_it_stands_in_the_place_of_an_installed_one_of_that_name(module: str, tmp_path: Path) -> None:
    (tmp_path / "pb_plugins").mkdir()
    (tmp_path / "pb_plugins" / "greeting.py").write_text("NAME = 'greeting'\n")
    registry = load_plugins(PluginsConfig(dir=tmp_path / "pb_plugins", load=(module,)))
    assert registry.options("greeting") == {"text": "hello"}
    assert [name for name, _ in registry.manager.list_name_plugin()].count("greeting") == 1
