"""A plugin is switched off and on from the command line, without touching its code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

PLUGIN = "from pbhost import hookimpl\n\n\n@hookimpl\ndef on_record_create(event): ...\n"


def pbhost(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PBHOST_")}
    command = [sys.executable, "-m", "pbhost", *arguments]
    return subprocess.run(command, cwd=place, env=kept, capture_output=True, text=True, timeout=60, check=False)


def loaded(place: Path) -> list[str]:
    done = pbhost(place, "plugin", "list", "--json")
    assert done.returncode == 0, done.stderr
    return [plugin["name"] for plugin in json.loads(done.stdout)["plugins"] if plugin["source"] == "file"]


def test_off_and_on_again(tmp_path: Path) -> None:
    (tmp_path / "pb_plugins").mkdir()
    for name in ("good", "bad"):
        (tmp_path / "pb_plugins" / f"{name}.py").write_text(PLUGIN)
    (tmp_path / "pbhost.toml").write_text('# ours\nhttp = "127.0.0.1:0"\n')
    assert pbhost(tmp_path, "plugin", "disable", "bad").returncode == 0
    assert loaded(tmp_path) == ["good"]
    assert "# ours" in (tmp_path / "pbhost.toml").read_text()
    assert pbhost(tmp_path, "plugin", "enable", "bad").returncode == 0
    assert loaded(tmp_path) == ["bad", "good"]
    # also one that does not even import
    (tmp_path / "pb_plugins" / "bad.py").write_text("1/0\n")
    assert pbhost(tmp_path, "plugins").returncode == 1
    assert pbhost(tmp_path, "plugin", "disable", "bad").returncode == 0
    assert loaded(tmp_path) == ["good"]
    wrong = pbhost(tmp_path, "plugin", "disable", "goood")
    assert (wrong.returncode, "did you mean 'good'?" in wrong.stderr) == (1, True)
