"""A directory with each fault made on purpose, and what the doctor says; of a healthy one it says nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from builtin_operations.doctor.directory import Room, disk_findings
from builtin_operations.doctor.history import clock_findings
from builtin_sqlite.checks import version_findings

from pbhost.services import Finding, Severity
from tests.doctor import faults, operations_faults
from tests.doctor.faults import ADVICE, ERROR, META, S3, SMTP, WARNING, Fault, no_owner_needed
from tests.doctor.installation import Installation


@pytest.mark.parametrize("fault", [*faults.FAULTS, *operations_faults.FAULTS], ids=lambda fault: fault.name)
def test_a_fault_is_found_and_the_finding_says_what_to_do(fault: Fault, installation: Installation) -> None:
    fault.make(installation)
    diagnosis = installation.examine(fault.check, full=fault.check == "sqlite.integrity")
    found = [item for result in diagnosis.results if result.id == fault.check for item in result.findings]
    said = [item for item in found if fault.says in item.what]
    assert [item.severity for item in said] == [fault.severity], diagnosis.to_json()
    assert all(item.why and item.remedy for item in said)
    assert diagnosis.worst is fault.severity


def test_of_a_healthy_installation_nothing_is_said(installation: Installation) -> None:
    diagnosis = installation.examine(full=True)
    assert diagnosis.to_json()["findings"] == []
    assert {result.state for result in diagnosis.results} == {"ok"}
    assert diagnosis.exit_code(strict=True) == 0


HARMLESS: list[tuple[str, Callable[[Installation], object]]] = [
    ("a rule for superusers only", lambda i: i.rule("posts", "delete", None)),
    ("everyone reads what is public", lambda i: i.rule("posts", "list", "")),
    ("everyone signs up", lambda i: i.rule("users", "create", "")),
    ("a guard in front", lambda i: no_owner_needed(i, '@request.auth.id != "" && owner = @request.auth.id')),
    ("a guard in parentheses", lambda i: no_owner_needed(i, '(@request.auth.id != "") && (owner = @request.auth.id)')),
    (
        "a guard by collection",
        lambda i: no_owner_needed(i, '@request.auth.collectionName = "users" && owner = @request.auth.id'),
    ),
    ("a file just uploaded", lambda i: i.put("storage/pbc_1/record000000001/new.txt")),
    ("a thumbnail", lambda i: i.put(f"{i.stored_file().parent}/thumbs_{i.stored_file().name}/10x10_x.txt", days_ago=1)),
    ("a draft that is being written", lambda i: i.put("storage/.pbhost-drafts/0123-x")),
    ("mail over TLS", lambda i: i.settings(smtp=SMTP, meta=META)),
    ("S3 at home", lambda i: i.settings(backups={"s3": {**S3, "endpoint": "http://127.0.0.1:9000"}})),
]


@pytest.mark.parametrize(("name", "make"), HARMLESS, ids=[name for name, _ in HARMLESS])
def test_what_is_harmless_is_not_reported(
    name: str, make: Callable[[Installation], object], installation: Installation
) -> None:
    make(installation)
    # The backups of the row about S3 would be looked for there.
    diagnosis = installation.examine("records", "files", "operations.mail", "operations.connections")
    assert diagnosis.to_json()["findings"] == []


def test_a_check_whose_time_is_up_says_what_it_has_not_looked_at(installation: Installation) -> None:
    for number in range(50):
        installation.put(f"storage/pbc_1/record{number:09}/old.txt", days_ago=1)
    installation.stored_file().unlink()
    # A table of which the pages alone take SQLite some ten thousand steps.
    installation.sql("CREATE TABLE _pbhost_large (id INTEGER PRIMARY KEY, content TEXT)")
    rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)"
    installation.sql(f"INSERT INTO _pbhost_large {rows} SELECT i, hex(randomblob(20)) FROM n")
    diagnosis = installation.examine("files.agreement", "sqlite.integrity", seconds=0.0)
    assert [(item.severity, item.what) for result in diagnosis.results for item in result.findings] == [
        (ADVICE, "data.db is too large to look at in that time"),
        (ADVICE, "1 file(s) that no record names, 1 bytes"),
        (ADVICE, "only 1 files were looked at"),
    ]


# -- what cannot be made of a directory --------------------------------------------------------------------------------


def found(findings: Iterator[Finding] | list[Finding]) -> list[tuple[Severity, str]]:
    return [(item.severity, item.what) for item in findings]


@pytest.mark.parametrize(
    ("room", "severity", "says"),
    [
        (Room(10 << 20, 1 << 40, 1, 1), ERROR, "only 10 MiB are free"),
        (Room(300 << 20, 1 << 40, 1, 1), WARNING, "only 300 of"),
        (Room(1 << 40, 2 << 40, 3, 1000), WARNING, "only 3 more files"),
    ],
)
def test_little_room(installation: Installation, room: Room, severity: Severity, says: str) -> None:
    ((level, what),) = found(disk_findings(installation.path, room))
    assert level is severity
    assert says in what


def test_enough_room(installation: Installation) -> None:
    assert found(disk_findings(installation.path, Room(1 << 40, 2 << 40, 900, 1000))) == []


def test_an_old_sqlite() -> None:
    assert found(version_findings((3, 34, 1))) == [(ERROR, "Python's SQLite is version 3.34.1, older than 3.38.0")]
    assert version_findings(sqlite3.sqlite_version_info) == []


def test_a_clock_that_was_never_set() -> None:
    ((level, what),) = found(clock_findings("", datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=1)))
    assert (level, what) == (ERROR, "the clock shows 1970-01-01, which is long ago")
