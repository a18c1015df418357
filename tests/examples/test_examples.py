"""Every example installs as a distribution, is found by its entry point, and passes its own tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
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


@pytest.mark.parametrize("example", EXAMPLES, ids=[path.name for path in EXAMPLES])
def test_an_example_installs_is_found_and_passes_its_tests(example: Path, tmp_path: Path) -> None:
    installed, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation")
    run(*pip, "--disable-pip-version-check", "--target", str(installed), str(example), cwd=tmp_path, path=installed)
    entry_points = tomllib.loads((example / "pyproject.toml").read_text())["project"]["entry-points"]["pbhost.plugins"]
    listed = json.loads(run(sys.executable, "-m", "pbhost", "plugins", "--json", cwd=elsewhere, path=installed))[
        "plugins"
    ]
    assert {plugin["name"] for plugin in listed} >= set(entry_points)
    tests = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(example / "tests"))
    assert "passed" in run(*tests, cwd=elsewhere, path=installed)
    assert (example / "README.md").read_text().startswith("# ")
