"""Plugins are switched off and on in the configuration file without a change to the rest of it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from pbhost.config import PluginsConfig
from pbhost.errors import ConfigError
from pbhost.plugins.checking import check_plugin
from pbhost.plugins.manage import write_block

REST = '[plugins.files] # ours\nurl = "x"\n'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '[plugins]\nblock = ["a"]\n'),
        ('# note\nhttp = "0.0.0.0:1"\n', '# note\nhttp = "0.0.0.0:1"\n\n[plugins]\nblock = ["a"]\n'),
        (f"[plugins] # these\ndir = 'p'\n\n{REST}", f"[plugins] # these\nblock = [\"a\"]\ndir = 'p'\n\n{REST}"),
        (f'[plugins]\nblock = [ # why\n  "b",\n] # end\n{REST}', f'[plugins]\nblock = ["a"] # end\n{REST}'),
    ],
)
def test_the_file_keeps_everything_else(before: str, after: str, tmp_path: Path) -> None:
    file = tmp_path / "pbhost.toml"
    if before:
        file.write_text(before)
    write_block(file, ["a"])
    assert file.read_text() == after
    assert tomllib.loads(after)["plugins"]["block"] == ["a"]


@pytest.mark.parametrize(
    "text", ['plugins.block = ["b"]\n', 'plugins = { block = ["b"] }\n', '[plugins]\nblock = ["]"]\n']
)
def test_an_unusual_file_is_left_alone(text: str, tmp_path: Path) -> None:
    file = tmp_path / "pbhost.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match="by hand"):
        write_block(file, ["a"])
    assert file.read_text() == text


def test_a_check_names_the_nearest_hook(tmp_path: Path) -> None:
    (tmp_path / "demo.py").write_text("from pbhost import hookimpl\n@hookimpl\ndef on_record_creat(event): ...\n")
    [result] = check_plugin("demo", PluginsConfig(dir=tmp_path)).results
    assert result.verdict == "FAIL"
    assert "did you mean 'on_record_create'" in result.detail
    with pytest.raises(ConfigError, match="did you mean 'demo'"):
        check_plugin("demoo", PluginsConfig(dir=tmp_path))
