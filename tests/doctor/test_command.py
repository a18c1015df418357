"""``pbhost doctor`` as a process: what it prints, its exit code, and that it leaves no trace."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from pbhost.cli.diagnosis import Diagnosis
from pbhost.services import Finding, Severity
from pbhost.testing import running_app
from tests.doctor.installation import Installation

PLUGIN = """
from pbhost import hookimpl
from pbhost.services import Check, Finding, Severity

async def look(budget):
    return [Finding(severity=Severity.ADVICE, what="the tank is half empty", why="it runs dry", remedy="fill it up")]

async def fail(budget):
    raise LookupError("no gauge")

@hookimpl
def register_checks(app):
    return [Check("tank.level", "the tank is full", look, ("database",)), Check("tank.gauge", "the gauge works", fail)]
"""


def doctor(installation: Installation, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PBHOST_")}
    return subprocess.run(
        [sys.executable, "-m", "pbhost", "doctor", *arguments],
        cwd=installation.path.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("rule", "arguments", "code", "word"),
    [
        (None, [], 0, "0 error, 0 warning, 0 advice"),
        (("posts", "create", ""), ["--strict"], 1, "0 error, 0 warning, 1 advice"),
        (("users", "delete", ""), [], 2, "1 error, 0 warning, 0 advice"),
    ],
)
def test_the_exit_code_tells_the_worst(
    installation: Installation, rule: tuple[str, str, str] | None, arguments: list[str], code: int, word: str
) -> None:
    if rule is not None:
        installation.rule(*rule)
    done = doctor(installation, *arguments)
    assert done.stderr == ""
    assert done.returncode == code, done.stdout
    assert word in done.stdout


@pytest.mark.parametrize(
    ("severity", "relaxed", "strict"),
    [(None, 0, 0), (Severity.ADVICE, 0, 1), (Severity.WARNING, 1, 1), (Severity.ERROR, 2, 2)],
)
def test_the_exit_code_of_each_severity(severity: Severity | None, relaxed: int, strict: int) -> None:
    diagnosis = Diagnosis()
    diagnosis.add("one", "one", [] if severity is None else [Finding(severity=severity, what="", why="", remedy="")])
    assert (diagnosis.exit_code(), diagnosis.exit_code(strict=True)) == (relaxed, strict)


def test_a_finding_says_what_why_and_what_to_do(installation: Installation) -> None:
    installation.stored_file().unlink()
    lines = [" ".join(line.split()) for line in doctor(installation, "--check", "files").stdout.splitlines()]
    assert lines[0].startswith("error 1 file(s) that records name are not in the storage")
    assert any(line.startswith("- posts, record ") for line in lines)
    assert "why: downloads of them answer 404" in lines
    assert any(line.startswith("do: copy them back") for line in lines)


def test_machines_get_json(installation: Installation) -> None:
    installation.rule("posts", "delete", "")
    done = doctor(installation, "--json")
    said = json.loads(done.stdout)
    assert said["worst"] == "warning"
    (finding,) = said["findings"]
    assert (finding["check"], finding["severity"]) == ("records.rules", "warning")
    assert {"what", "why", "remedy", "details"} <= finding.keys()
    states = {check["id"]: check["state"] for check in said["checks"]}
    assert states["records.rules"] == "found"
    assert states["sqlite.integrity"] == states["operations.disk"] == "ok"


def test_checks_of_plugins_run_too_and_one_that_fails_stops_nothing(installation: Installation) -> None:
    installation.put("../pb_plugins/tank.py", PLUGIN.encode())
    said = json.loads(doctor(installation, "--json", "--check", "tank").stdout)
    assert [(item["check"], item["severity"], item["what"]) for item in said["findings"]] == [
        ("tank.level", "advice", "the tank is half empty"),
        ("tank.gauge", "warning", "the check 'tank.gauge' failed: LookupError: no gauge"),
    ]


def test_checks_that_need_what_is_not_there_are_left_out(installation: Installation) -> None:
    installation.put("../pb_plugins/tank.py", PLUGIN.encode())
    (installation.path / "data.db").unlink()
    said = json.loads(doctor(installation, "--json", "--check", "tank").stdout)
    left_out = [check for check in said["checks"] if check["state"] == "skipped"]
    assert [(check["id"], check["reason"]) for check in left_out] == [
        ("tank.level", "cannot be looked at without: database")
    ]
    assert "tank.gauge" in {item["check"] for item in said["findings"]}


def test_a_broken_plugin_does_not_keep_the_others_from_being_checked(installation: Installation) -> None:
    installation.put("../pb_plugins/broken.py", b"raise RuntimeError('out of order')")
    installation.rule("posts", "delete", "")
    done = doctor(installation, "--json")
    found = [(item["check"], item["severity"]) for item in json.loads(done.stdout)["findings"]]
    assert found == [("plugins", "error"), ("records.rules", "warning")]
    assert done.returncode == 2


# -- no trace ----------------------------------------------------------------------------------------------------------


def test_nothing_is_written(installation: Installation) -> None:
    before = installation.state()
    assert doctor(installation, "--full").returncode == 0
    assert installation.state() == before


def test_nothing_is_written_where_nothing_is(tmp_path: Path) -> None:
    nowhere = Installation(tmp_path / "pb_data")
    done = doctor(nowhere)
    assert done.returncode == 2
    assert "there is no database" in " ".join(done.stdout.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lost", [(), ("data.db-shm", "auxiliary.db-shm")], ids=["as it was left", "without its index"])
def test_what_a_crash_left_in_the_log_is_seen_and_stays_there(
    installation: Installation, lost: tuple[str, ...]
) -> None:
    crashed = sqlite3.connect(installation.path / "data.db", isolation_level=None)
    crashed.execute("PRAGMA wal_autocheckpoint = 0")
    crashed.execute("UPDATE _collections SET deleteRule = '' WHERE name = 'posts'")
    copy = Installation(installation.path.with_name("copy"))
    shutil.copytree(installation.path, copy.path)
    crashed.close()
    for name in lost:
        (copy.path / name).unlink(missing_ok=True)
    assert (copy.path / "data.db-wal").stat().st_size > 0
    before = copy.state()
    said = json.loads(doctor(copy, "--json", "--dir", str(copy.path)).stdout)
    assert [item["check"] for item in said["findings"]] == ["records.rules"]
    assert copy.state() == before


async def test_a_running_server_is_not_disturbed(installation: Installation) -> None:
    async with running_app(installation.path.parent) as running:
        token = await running.superuser()
        changed = await running.request("PATCH", "/api/collections/posts", {"deleteRule": ""}, token=token)
        assert changed.status == 200, changed.text
        before = set(os.listdir(installation.path))
        said = json.loads(doctor(installation, "--json").stdout)
        assert [item["check"] for item in said["findings"]] == ["records.rules"]
        assert set(os.listdir(installation.path)) == before
        undone = await running.request("PATCH", "/api/collections/posts", {"deleteRule": None}, token=token)
        assert undone.status == 200, undone.text
    assert json.loads(doctor(installation, "--json").stdout)["findings"] == []
