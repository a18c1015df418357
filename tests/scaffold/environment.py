"""A clean environment, as a user of pbhost has one, and wheels to install there."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

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

    def install_editable(self, project: Path) -> None:
        arguments = ["install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--editable", project]
        subprocess.run([self.python, "-m", "pip", *arguments], check=True)

    def uninstall(self, name: str) -> None:
        arguments = ["uninstall", "--quiet", "--yes", name]
        subprocess.run([sys.executable, "-m", "pip", "--python", self.python, *arguments], check=True)

    def run(self, *arguments: str, cwd: Path) -> str:
        done = self.attempt(*arguments, cwd=cwd)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def attempt(self, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PBHOST_", "PYTHON", "PYTEST"))}
        return subprocess.run(
            [self.python, *arguments], cwd=cwd, env=kept, capture_output=True, text=True, timeout=120, check=False
        )

    def pbhost(self, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        return self.attempt("-m", "pbhost", *arguments, cwd=cwd)


def build(project: Path, into: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(into)]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    [wheel] = into.glob("*.whl")
    return wheel


def wheel(
    directory: Path,
    distribution: str,
    modules: Mapping[str, str],
    *,
    version: str = "1.0",
    plugins: Mapping[str, str] | None = None,
    requires: Sequence[str] = (),
) -> Path:
    """A wheel of a few modules, without a build: name → text, and the entry points of its plugins."""
    stem = f"{distribution.replace('-', '_')}-{version}"
    facts = [
        "Metadata-Version: 2.1",
        f"Name: {distribution}",
        f"Version: {version}",
        "Summary: A test.",
        "License: MIT",
    ]
    facts += ["Requires-Python: >=3.11", *(f"Requires-Dist: {need}" for need in requires)]
    points = ["[pbhost.plugins]", *(f"{name} = {target}" for name, target in (plugins or {}).items())]
    info = {
        "METADATA": "\n".join(facts) + "\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "entry_points.txt": "\n".join(points) + "\n" if plugins else "",
        "RECORD": "",
    }
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in modules.items():
            archive.writestr(f"{name}.py", text)
        for name, text in info.items():
            archive.writestr(f"{stem}.dist-info/{name}", text)
    return path
