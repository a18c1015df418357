"""Every example installs as a distribution, is found by its entry point, and passes its own tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest

EXAMPLES = sorted(path.parent for path in (Path(__file__).parents[2] / "examples" / "plugins").glob("*/pyproject.toml"))


def run(*command: str, cwd: Path, path: Path) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(path)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def project(example: Path) -> dict[str, object]:
    found: dict[str, object] = tomllib.loads((example / "pyproject.toml").read_text())["project"]
    return found


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which all examples are installed: one call of pip, which takes most of a second."""
    directory = tmp_path_factory.mktemp("together")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation")
    target = ("--disable-pip-version-check", "--target", str(directory))
    run(*pip, *target, *map(str, EXAMPLES), cwd=directory, path=directory)
    return directory


@pytest.fixture
def alone(example: Path, together: Path, tmp_path: Path) -> Path:
    """A directory in which one example is installed, as if the others were not."""
    directory = tmp_path / "site"
    directory.mkdir()
    [found] = [item for item in distributions(path=[str(together)]) if item.name == project(example)["name"]]
    for name in {file.parts[0] for file in found.files or () if file.parts[0] != ".."}:
        (directory / name).symlink_to(together / name)
    return directory


def test_all_examples_are_found_side_by_side(together: Path, tmp_path: Path) -> None:
    listed = json.loads(run(sys.executable, "-m", "pbhost", "plugins", "--json", cwd=tmp_path, path=together))
    points = [project(example)["entry-points"]["pbhost.plugins"] for example in EXAMPLES]  # type: ignore[index]
    assert {plugin["name"] for plugin in listed["plugins"]} >= {name for names in points for name in names}


@pytest.mark.parametrize("example", EXAMPLES, ids=[path.name for path in EXAMPLES])
def test_an_example_passes_its_tests(example: Path, alone: Path, tmp_path: Path) -> None:
    tests = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(example / "tests"))
    assert "passed" in run(*tests, cwd=tmp_path, path=alone)
    assert (example / "README.md").read_text().startswith("# ")
