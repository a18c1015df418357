"""A directory with each fault made on purpose, and what the doctor says; of a healthy one it says nothing."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from builtin_operations.doctor.directory import Room, disk_findings
from builtin_operations.doctor.history import clock_findings
from builtin_sqlite.checks import version_findings

from pbhost.services import Finding, Severity
from tests.doctor.installation import Installation, install

ADVICE, WARNING, ERROR = Severity.ADVICE, Severity.WARNING, Severity.ERROR
SMTP = {"enabled": True, "host": "mail.example.org", "port": 465, "tls": True}
META = {"appURL": "https://app.example.org", "senderAddress": "app@example.org"}
S3 = {"enabled": True, "bucket": "b", "region": "r", "endpoint": "https://s3.example.org", "accessKey": "a"}


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("healthy") / "pb_data"
    install(directory)
    return directory


@pytest.fixture
def installation(healthy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    shutil.copytree(healthy, tmp_path / "pb_data")
    monkeypatch.delenv("PB_KEY", raising=False)
    return Installation(tmp_path / "pb_data")


@dataclass(frozen=True)
class Fault:
    """What is done, and the finding that must come of it: its check, its severity, words of its text."""

    name: str
    make: Callable[[Installation], object]
    check: str
    severity: Severity
    says: str


def garble(installation: Installation, name: str, *, page: int) -> None:
    with (installation.path / name).open("r+b") as file:
        file.seek(page * 4096)
        file.write(b"\xa5" * 4096)


def rows_in_feed(installation: Installation) -> None:
    installation.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2) INSERT INTO _pbhost_changes "
        "(seq, collection_id, record_id, action, created) SELECT i * 1000000, 'c', 'r', 'update', '2026-01-01' FROM n"
    )


def set_environment(installation: Installation, name: str, value: str) -> None:
    pytest.MonkeyPatch().setenv(name, value)
    installation.flags["encryption_env"] = name


def option(installation: Installation, name: str, value: str) -> None:
    installation.environment[name] = value


def plugin(installation: Installation, text: str) -> None:
    installation.put("../pb_plugins/mine.py", text.encode())


def no_owner_needed(installation: Installation, rule: str) -> None:
    installation.sql("UPDATE _collections SET fields = replace(fields, '\"required\":true', '\"required\":false')")
    installation.rule("posts", "update", rule)


FAULTS = [
    # the configuration and plugins
    Fault(
        "an unknown option", lambda i: option(i, "PBHOST_WORKRES", "2"), "config", ERROR, "did you mean PBHOST_WORKERS"
    ),
    Fault(
        "a plugin that does not import", lambda i: plugin(i, "import nothing_of_that_name"), "plugins", ERROR, "'mine'"
    ),
    Fault(
        "a plugin with an unknown hook",
        lambda i: plugin(i, "from pbhost import hookimpl\n@hookimpl\ndef on_record_creat(event): pass"),
        "plugins",
        ERROR,
        "did you mean 'on_record_create'",
    ),
    Fault(
        "options for a plugin that is not there",
        lambda i: option(i, "PBHOST_FIELS__URL", "s3://x"),
        "plugins",
        ERROR,
        "did you mean [plugins.files]",
    ),
    # the database
    Fault("no database", lambda i: (i.path / "data.db").unlink(), "database", ERROR, "there is no database"),
    Fault(
        "a file that is no database",
        lambda i: i.put("data.db", b"x" * 8192),
        "database",
        ERROR,
        "not an SQLite database",
    ),
    Fault(
        "a page of garbage", lambda i: garble(i, "data.db", page=20), "sqlite.integrity", ERROR, "data.db is damaged"
    ),
    Fault(
        "logs of garbage",
        lambda i: garble(i, "auxiliary.db", page=1),
        "sqlite.integrity",
        ERROR,
        "auxiliary.db is damaged",
    ),
    Fault(
        "a row that refers to nothing",
        lambda i: (
            i.sql("CREATE TABLE _pbhost_things (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES _pbhost_things(id))"),
            i.sql("INSERT INTO _pbhost_things VALUES (1, 99)"),
        ),
        "sqlite.foreign-keys",
        ERROR,
        "refer to rows that do not exist",
    ),
    Fault(
        "a log that grows",
        lambda i: (i.put("data.db-wal", size=300 << 20), i.put("data.db-shm", b"")),
        "sqlite.size",
        WARNING,
        "data.db-wal has 300 MiB",
    ),
    Fault("a feed that is not pruned", rows_in_feed, "sqlite.feed", WARNING, "more than its bound of 100,000"),
    Fault(
        "a short feed",
        lambda i: option(i, "PBHOST_SQLITE__FEED_MAX_AGE", "60"),
        "sqlite.feed",
        ADVICE,
        "only 60 seconds",
    ),
    Fault("no durability", lambda i: option(i, "PBHOST_SQLITE__SYNCHRONOUS", "OFF"), "sqlite.engine", WARNING, "OFF"),
    Fault(
        "less durability",
        lambda i: option(i, "PBHOST_SQLITE__SYNCHRONOUS", "NORMAL"),
        "sqlite.engine",
        ADVICE,
        "NORMAL",
    ),
    # rules
    Fault(
        "everyone deletes",
        lambda i: i.rule("posts", "delete", ""),
        "records.rules",
        WARNING,
        "posts: everyone may delete",
    ),
    Fault(
        "everyone updates",
        lambda i: i.rule("posts", "update", ""),
        "records.rules",
        WARNING,
        "posts: everyone may update",
    ),
    Fault(
        "everyone creates",
        lambda i: i.rule("posts", "create", ""),
        "records.rules",
        ADVICE,
        "posts: everyone may create",
    ),
    Fault("a rule that always holds", lambda i: i.rule("posts", "delete", "1 = 1"), "records.rules", WARNING, "delete"),
    Fault("an id is never empty", lambda i: i.rule("posts", "delete", 'id != ""'), "records.rules", WARNING, "delete"),
    Fault(
        "accounts are listed",
        lambda i: i.rule("users", "list", ""),
        "records.rules",
        WARNING,
        "users: everyone may list",
    ),
    Fault(
        "accounts are changed",
        lambda i: i.rule("users", "update", ""),
        "records.rules",
        ERROR,
        "users: everyone may update",
    ),
    Fault(
        "a list of secrets",
        lambda i: (
            i.sql("UPDATE _collections SET fields = replace(fields, '\"note\"', '\"apiKey\"') WHERE name = 'posts'"),
            i.sql("ALTER TABLE posts RENAME COLUMN note TO apiKey"),
            i.rule("posts", "view", ""),
        ),
        "records.rules",
        WARNING,
        "posts: everyone may view",
    ),
    Fault(
        "guests own what nobody owns",
        lambda i: no_owner_needed(i, "owner = @request.auth.id"),
        "records.rules",
        WARNING,
        "whose owner is empty",
    ),
    Fault(
        "guests own, the guard is only on the other side",
        lambda i: no_owner_needed(i, 'owner = @request.auth.id || (title = "x" && @request.auth.id != "")'),
        "records.rules",
        WARNING,
        "whose owner is empty",
    ),
    # indexes and tables
    Fault(
        "a relation without an index",
        lambda i: (
            i.sql("UPDATE _collections SET indexes = '[]' WHERE name = 'posts'"),
            i.sql("DROP INDEX idx_posts_owner"),
        ),
        "records.indexes",
        ADVICE,
        "posts: no index begins with owner",
    ),
    Fault(
        "a rule without an index",
        lambda i: i.rule("posts", "list", "title = @request.query.title"),
        "records.indexes",
        ADVICE,
        "posts: no index begins with title",
    ),
    Fault(
        "an index that is gone",
        lambda i: i.sql("DROP INDEX idx_posts_owner"),
        "records.tables",
        WARNING,
        "indexes of the schema",
    ),
    Fault(
        "a column that is gone",
        lambda i: i.sql("ALTER TABLE posts RENAME note TO nota"),
        "records.tables",
        ERROR,
        "no column for: note",
    ),
    Fault(
        "a table that is gone",
        lambda i: (i.sql("DROP VIEW titles"), i.sql("DROP TABLE posts")),
        "records.tables",
        ERROR,
        "posts: its table does not exist",
    ),
    Fault(
        "a view that fails",
        lambda i: (i.sql("DROP VIEW titles"), i.sql("CREATE VIEW titles AS SELECT id, no_such AS title FROM posts")),
        "records.tables",
        ERROR,
        "titles: the view fails",
    ),
    # files
    Fault(
        "a file is lost", lambda i: i.stored_file().unlink(), "files.agreement", ERROR, "1 file(s) that records name"
    ),
    Fault(
        "a file of no record",
        lambda i: i.put("storage/pbc_1/record000000001/old.txt", days_ago=1),
        "files.agreement",
        ADVICE,
        "1 file(s) that no record names",
    ),
    Fault(
        "a file that its record no longer names",
        lambda i: shutil.copy2(i.put("x", days_ago=1), i.stored_file().with_name("a.txt")),
        "files.agreement",
        ADVICE,
        "1 file(s) that no record names",
    ),
    Fault(
        "a draft of a process that is gone",
        lambda i: i.put("storage/.pbhost-drafts/0123-x", days_ago=1),
        "files.unfinished",
        ADVICE,
        "1 upload(s) that were cut short",
    ),
    Fault(
        "two storages",
        lambda i: (option(i, "PBHOST_FILES__URL", "memory://x"), i.settings(s3={**S3, "secret": "s"})),
        "files.storage",
        WARNING,
        "the enabled S3 bucket of the settings is not used",
    ),
    Fault(
        "files left at home", lambda i: i.settings(s3={**S3, "secret": "s"}), "files.storage", ADVICE, "still has some"
    ),
    # sign-in
    Fault(
        "a short secret",
        lambda i: i.options("users", authToken={"secret": "hunter2"}),
        "auth.secrets",
        ERROR,
        "users.authToken has only 7",
    ),
    Fault(
        "a simple secret",
        lambda i: i.options("users", fileToken={"secret": "ab" * 25}),
        "auth.secrets",
        ERROR,
        "2 different characters",
    ),
    Fault(
        "one secret for two",
        lambda i: (
            i.options("users", authToken={"secret": "0123456789abcdefghijklmnopqrstuvwxyz"}),
            i.options("_superusers", authToken={"secret": "0123456789abcdefghijklmnopqrstuvwxyz"}),
        ),
        "auth.secrets",
        WARNING,
        "have the same secret",
    ),
    Fault(
        "an endless session",
        lambda i: i.options("_superusers", authToken={"duration": 94_670_856}),
        "auth.options",
        WARNING,
        "1,095 days",
    ),
    Fault(
        "passwords of four",
        lambda i: i.sql(
            "UPDATE _collections SET fields = replace(fields, '\"min\":8', '\"min\":4') WHERE name = 'users'"
        ),
        "auth.options",
        WARNING,
        "passwords of 4 characters",
    ),
    Fault(
        "a superuser with a sample password",
        lambda i: i.sql(
            "UPDATE _superusers SET password = '$2a$04$9AhyEqbr6PjOM1.OkQFBV.8ofBYULz7ScS/qXGXQaH2nc8Y4UNsp2'"
        ),
        "auth.passwords",
        ERROR,
        "root@example.org",
    ),
    # settings
    Fault(
        "a secret as plain text",
        lambda i: i.settings(smtp={"password": "x"}),
        "operations.secrets",
        WARNING,
        "smtp.password",
    ),
    Fault(
        "a key that is not there",
        lambda i: i.flags.update(encryption_env="PB_NO_KEY"),
        "operations.secrets",
        ERROR,
        "PB_NO_KEY",
    ),
    Fault(
        "a key that is too long",
        lambda i: set_environment(i, "PB_KEY", "x" * 33),
        "operations.secrets",
        ERROR,
        "has 33 bytes",
    ),
    Fault(
        "a key of one letter",
        lambda i: set_environment(i, "PB_KEY", "x" * 32),
        "operations.secrets",
        WARNING,
        "1 different",
    ),
    Fault(
        "settings of another key",
        lambda i: i.sql("UPDATE _params SET value = 'c2VhbGVk'"),
        "settings",
        ERROR,
        "missing encryption key",
    ),
    Fault(
        "settings of the wrong type",
        lambda i: i.settings(smtp={"port": "many"}),
        "settings",
        ERROR,
        "smtp.port must be an integer",
    ),
    Fault(
        "mail without TLS",
        lambda i: i.settings(smtp={**SMTP, "port": 587, "tls": False}, meta=META),
        "operations.connections",
        ADVICE,
        "mail.example.org:587",
    ),
    Fault(
        "a password without TLS",
        lambda i: i.settings(smtp={**SMTP, "tls": False, "authMethod": "LOGIN", "username": "me"}, meta=META),
        "operations.connections",
        WARNING,
        "only if that server offers it",
    ),
    Fault(
        "S3 without TLS",
        lambda i: i.settings(s3={**S3, "endpoint": "http://s3.example.org"}),
        "operations.connections",
        WARNING,
        "s3: the endpoint http://s3.example.org",
    ),
    Fault(
        "links to nowhere",
        lambda i: i.settings(smtp=SMTP),
        "operations.mail",
        WARNING,
        "mails link to http://localhost:8090",
    ),
    Fault(
        "links without TLS",
        lambda i: i.settings(smtp=SMTP, meta={**META, "appURL": "http://app.example.org"}),
        "operations.mail",
        WARNING,
        "is not encrypted",
    ),
    Fault(
        "a sender of nowhere",
        lambda i: i.settings(smtp=SMTP, meta={"appURL": META["appURL"]}),
        "operations.mail",
        WARNING,
        "support@example.com",
    ),
    Fault(
        "no limits in public", lambda i: i.flags.update(http="0.0.0.0:80"), "operations.limits", ADVICE, "switched off"
    ),
    Fault(
        "limits that leave sign-in out",
        lambda i: i.settings(
            rateLimits={
                "enabled": True,
                "rules": [{"label": "*:create", "audience": "", "duration": 1, "maxRequests": 9}],
            },
            trustedProxy={"headers": ["X-Real-IP"]},
        ),
        "operations.limits",
        WARNING,
        "no rate limit is for sign-in",
    ),
    Fault(
        "limits for the proxy",
        lambda i: i.settings(rateLimits={"enabled": True}),
        "operations.limits",
        WARNING,
        "no proxy header is trusted",
    ),
    Fault(
        "a header that anybody sets",
        lambda i: (i.flags.update(http="0.0.0.0:80"), i.settings(trustedProxy={"headers": ["X-Real-IP"]})),
        "operations.proxy",
        WARNING,
        "X-Real-IP is trusted",
    ),
    Fault(
        "the address that the client says",
        lambda i: i.settings(trustedProxy={"headers": ["X-Forwarded-For"], "useLeftmostIP": True}),
        "operations.proxy",
        WARNING,
        "leftmost",
    ),
    Fault("no TLS", lambda i: i.flags.update(http="0.0.0.0:80"), "operations.proxy", ADVICE, "without TLS"),
    Fault(
        "batches without bound",
        lambda i: i.settings(batch={"enabled": True, "maxRequests": 50_000}),
        "operations.sizes",
        ADVICE,
        "50,000 requests",
    ),
    Fault(
        "origins that end anywhere",
        lambda i: i.flags.update(origins=("https://*example.com",)),
        "operations.sizes",
        ADVICE,
        "CORS",
    ),
    # the directory
    Fault(
        "a backup larger than the disk",
        lambda i: i.put("backups/huge.zip", size=7 << 40),
        "operations.disk",
        WARNING,
        "largest backup",
    ),
    Fault(
        "a database for everyone",
        lambda i: (i.path / "data.db").chmod(0o644),
        "operations.permissions",
        WARNING,
        "can read data.db",
    ),
    Fault("a directory for everyone", lambda i: i.path.chmod(0o777), "operations.permissions", ERROR, "can write to"),
    Fault(
        "a backup that was broken off",
        lambda i: i.put(".pb_temp_to_delete/backup_x", days_ago=1),
        "operations.leftovers",
        ADVICE,
        "1 unfinished",
    ),
    # what should have happened
    Fault(
        "no backup",
        lambda i: (i.path / "backups/first.zip").unlink(),
        "operations.backups",
        ADVICE,
        "there is no backup",
    ),
    Fault(
        "an old backup",
        lambda i: i.put("backups/first.zip", days_ago=40),
        "operations.backups",
        ADVICE,
        "the newest backup is from",
    ),
    Fault(
        "an ancient backup",
        lambda i: i.put("backups/old.zip", days_ago=400),
        "operations.backups",
        ADVICE,
        "more than a year old",
    ),
    Fault(
        "backups that fail",
        lambda i: (i.settings(backups={"cron": "0 3 * * *"}), i.put("backups/@auto_pb_backup_acme_1.zip", days_ago=9)),
        "operations.backups",
        WARNING,
        "the newest automatic backup is from",
    ),
    Fault(
        "backups on one disk",
        lambda i: i.settings(backups={"cron": "0 3 * * *"}),
        "operations.backups",
        ADVICE,
        "on the disk",
    ),
    Fault("no logs", lambda i: i.settings(logs={"maxDays": 0}), "operations.logs", ADVICE, "no logs are kept"),
    Fault(
        "logs that are not deleted",
        lambda i: [
            i.sql(
                f"INSERT INTO _logs (created) VALUES (strftime('%Y-%m-%d %H:%M:%fZ', 'now', '-{days} days'))",
                file="auxiliary.db",
            )
            for days in (0, 30)
        ],
        "operations.logs",
        WARNING,
        "kept for 5 days",
    ),
    Fault(
        "a change of the future",
        lambda i: i.sql("UPDATE _collections SET updated = '2199-01-01 00:00:00.000Z' WHERE name = 'posts'"),
        "operations.clock",
        WARNING,
        "2199",
    ),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
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
