"""A new plugin of each kind, the way of its author and of its user: made, installed, tested, built, served."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
from pathlib import Path

import pytest

from pbhost.errors import PluginError
from pbhost.plugins.scaffold import KINDS, create_plugin
from tests.scaffold.environment import Environment, build


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_is_tested_built_installed_and_served(kind: str, environment: Environment, tmp_path: Path) -> None:
    name = f"my_{kind.replace('-', '_')}"
    environment.run("-m", "pbhost", "plugin", "new", name, "--kind", kind, cwd=tmp_path)
    project = tmp_path / f"pbhost-{name.replace('_', '-')}"
    environment.install(build(project, tmp_path / "dist"))
    try:
        assert " passed" in environment.run("-m", "pytest", "-q", cwd=project)
        environment.run("-m", "pbhost", "plugin", "check", name, cwd=tmp_path)
        shown = json.loads(environment.run("-m", "pbhost", "plugins", "--json", cwd=tmp_path))["plugins"]
        assert [plugin["source"] for plugin in shown if plugin["name"] == name] == ["package"]
        serve(environment, tmp_path)
    finally:
        environment.uninstall(project.name)


def serve(environment: Environment, directory: Path) -> None:
    command = [environment.python, "-m", "pbhost", "serve", "--http", "127.0.0.1:0"]
    with subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+", server.stdout.readline())
            assert found is not None
            with urllib.request.urlopen(f"{found[0]}/api/health") as answer:
                assert answer.status == 200
        finally:
            server.terminate()


def test_the_files_of_a_new_plugin(tmp_path: Path) -> None:
    written = {str(path) for path in create_plugin("slugs", "logic", tmp_path)}
    assert written == {
        f"pbhost-slugs/{file}"
        for file in (
            ".github/workflows/ci.yml",
            ".gitignore",
            "LICENSE",
            "README.md",
            "pbhost_slugs/__init__.py",
            "pbhost_slugs/py.typed",
            "pyproject.toml",
            "tests/test_slugs.py",
        )
    }
    left = [path for path in written if re.search(r"@[a-z]+@", (tmp_path / path).read_text())]
    assert left == []


@pytest.mark.parametrize("name", ["", "Slugs", "my-slugs", "1st", "../slugs", "x" * 51])
def test_a_name_that_cannot_be_one_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="cannot be a plugin's name"):
        create_plugin(name, "logic", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    create_plugin("slugs", "logic", tmp_path)
    with pytest.raises(PluginError, match="exists already"):
        create_plugin("slugs", "logic", tmp_path)
