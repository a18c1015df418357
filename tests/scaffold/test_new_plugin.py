"""A new plugin of each kind, the way of its author and of its user: made, installed, tested, built, served."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import urllib.request
from pathlib import Path

import pytest

from pbhost.errors import PluginError
from pbhost.plugins.scaffold import KINDS, create_plugin

ROOT = Path(__file__).parents[2]


class Environment:
    """A virtual environment with pbhost from its wheel. The dependencies are those that are installed here."""

    def __init__(self, directory: Path) -> None:
        self.python = directory / "bin" / "python"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", directory], check=True)
        [site] = directory.glob("lib/python*/site-packages")
        # As a plain path its own .pth files do not count, so the checkout that is installed there stays invisible.
        (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def install(self, wheel: Path) -> None:
        arguments = ["install", "--quiet", "--no-deps", "--no-index", "--force-reinstall", wheel]
        subprocess.run([sys.executable, "-m", "pip", "--python", self.python, *arguments], check=True)

    def uninstall(self, name: str) -> None:
        arguments = ["uninstall", "--quiet", "--yes", name]
        subprocess.run([sys.executable, "-m", "pip", "--python", self.python, *arguments], check=True)

    def run(self, *arguments: str, cwd: Path) -> str:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PBHOST_", "PYTHON", "PYTEST"))}
        done = subprocess.run([self.python, *arguments], cwd=cwd, env=kept, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def build(project: Path, into: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(into)]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    [wheel] = into.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    made = Environment(tmp_path_factory.mktemp("environment"))
    made.install(build(ROOT, tmp_path_factory.mktemp("pbhost")))
    return made


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
