"""A new plugin of each kind, the way of its author and of its user: made, installed, tested, built, served."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from pbhost.errors import PluginError
from pbhost.plugins.scaffold import KINDS, create_plugin
from tests.scaffold.environment import ROOT, Environment, build


@pytest.mark.parametrize("kind", KINDS)
def test_its_author_makes_tests_and_serves_it(kind: str, environment: Environment, tmp_path: Path) -> None:
    name = f"my_{kind.replace('-', '_')}"
    environment.run("-m", "pbhost", "plugin", "new", name, "--kind", kind, cwd=tmp_path)
    project = tmp_path / f"pbhost-{name.replace('_', '-')}"
    environment.install_editable(project)
    try:
        assert " passed" in environment.run("-m", "pytest", "-q", cwd=project)
        serve(environment, project, "--dev")
    finally:
        environment.uninstall(project.name)


def test_somebody_else_installs_the_wheels_and_serves_them(elsewhere: Environment, tmp_path: Path) -> None:
    names = {f"my_{kind.replace('-', '_')}" for kind in KINDS}
    for kind in KINDS:
        [path, *_] = create_plugin(f"my_{kind.replace('-', '_')}", kind, tmp_path)
        build(tmp_path / path.parts[0], tmp_path / "dist" / kind)
    wheels = sorted((tmp_path / "dist").rglob("*.whl"))
    user = tmp_path / "user"
    user.mkdir()
    installed = elsewhere.pbhost("plugin", "install", "--no-index", *wheels, cwd=user)
    assert installed.returncode == 0, installed.stdout + installed.stderr
    try:
        shown = json.loads(elsewhere.run("-m", "pbhost", "plugins", "--json", cwd=user))["plugins"]
        assert {plugin["name"] for plugin in shown if plugin["source"] == "package"} == names
        serve(elsewhere, user)
    finally:
        gone = elsewhere.pbhost("plugin", "uninstall", *names, cwd=user)
    assert gone.returncode == 0, gone.stdout + gone.stderr


def test_new_plugins_are_fully_typed(tmp_path: Path) -> None:
    for kind in KINDS:
        create_plugin(f"my_{kind.replace('-', '_')}", kind, tmp_path)
    projects = sorted(tmp_path.iterdir())
    files = [path for project in projects for path in (*project.glob("pbhost_*"), *project.glob("tests/*.py"))]
    # From the checkout, whose cache is warm; --strict as their own configuration says.
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *files],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": ":".join(map(str, projects))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def serve(environment: Environment, directory: Path, *arguments: str) -> None:
    command = [environment.python, "-m", "pbhost", "serve", "--http", "127.0.0.1:0", *arguments]
    with subprocess.Popen(
        command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
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
