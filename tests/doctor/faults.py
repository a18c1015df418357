"""Faults of the database, the rules, the files and sign-in, made on purpose, and what the doctor has to say of each."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from pbhost.services import Severity
from tests.doctor.installation import Installation

ADVICE, WARNING, ERROR = Severity.ADVICE, Severity.WARNING, Severity.ERROR
SMTP = {"enabled": True, "host": "mail.example.org", "port": 465, "tls": True}
META = {"appURL": "https://app.example.org", "senderAddress": "app@example.org"}
S3 = {"enabled": True, "bucket": "b", "region": "r", "endpoint": "https://s3.example.org", "accessKey": "a"}


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
]
