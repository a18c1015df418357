"""How backups are called."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from builtin_operations.backups.names import AUTO_PREFIX, MANUAL_PREFIX, SUBMITTED, generate

MOMENT = datetime(2024, 5, 1, 12, 30, 45, tzinfo=UTC)


@pytest.mark.parametrize(
    ("prefix", "app", "expected"),
    [
        (MANUAL_PREFIX, "acme_test", "pb_backup_acme_test_20240501123045.zip"),
        (MANUAL_PREFIX, "My appName!", "pb_backup_my_app_name_20240501123045.zip"),
        (AUTO_PREFIX, "Acme", "@auto_pb_backup_acme_20240501123045.zip"),
        (MANUAL_PREFIX, "x" * 80, f"pb_backup_{'x' * 50}_20240501123045.zip"),
        (MANUAL_PREFIX, "../../etc", "pb_backup_etc_20240501123045.zip"),
        (MANUAL_PREFIX, "日本", "pb_backup_acme_20240501123045.zip"),
    ],
)
def test_a_generated_name(prefix: str, app: str, expected: str) -> None:
    assert generate(prefix, app, MOMENT) == expected


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("test.zip", True),
        ("a_b-1.zip", True),
        ("!test.zip", False),
        ("Test.zip", False),
        ("../test.zip", False),
        ("test", False),
        ("test.zip\n", False),
        (".zip", False),
    ],
)
def test_what_a_client_may_call_a_backup(name: str, valid: bool) -> None:
    assert bool(SUBMITTED.fullmatch(name)) is valid
