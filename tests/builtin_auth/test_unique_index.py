"""Which index makes a field an identity."""

from __future__ import annotations

import pytest
from builtin_auth.unique_index import UniqueIndex, parse


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("CREATE UNIQUE INDEX `i` ON `users` (`email`) WHERE `email` != ''", UniqueIndex("email", "")),
        ("create unique index if not exists i on users(email collate nocase)", UniqueIndex("email", "nocase")),
        ('CREATE UNIQUE INDEX "i" ON "users" (\n  "email" COLLATE NOCASE DESC\n)', UniqueIndex("email", "NOCASE")),
        ("CREATE UNIQUE INDEX i ON users ([email] ASC);", UniqueIndex("email", "")),
        ("CREATE INDEX i ON users (email)", None),
        ("CREATE UNIQUE INDEX i ON users (email, name)", None),
        ("CREATE UNIQUE INDEX i ON users (lower(email))", None),
        ("nonsense", None),
    ],
)
def test_parse(statement: str, index: UniqueIndex | None) -> None:
    assert parse(statement) == index
