"""Whatever a client submits is either taken or refused in the way that is meant."""

from __future__ import annotations

from typing import Any

from builtin_operations.backups.names import MANUAL_PREFIX, generate
from builtin_operations.cron.expression import CronExpression, CronExpressionError
from builtin_operations.settings.checks import check_settings
from builtin_operations.settings.merge import SettingsTypeError, merge
from builtin_operations.settings.schema import DEFAULTS, defaults, stored_form
from builtin_operations.sql_console import statements
from hypothesis import given
from hypothesis import strategies as st

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)


def keys(value: Any) -> Any:
    """Keys that the settings know, next to any others."""
    known = [key for key in value if isinstance(key, str)]
    below = {key: keys(item) | VALUES if isinstance(item, dict) else VALUES for key, item in value.items()}
    return st.lists(st.sampled_from(known), max_size=4, unique=True).flatmap(
        lambda chosen: st.fixed_dictionaries({key: below[key] for key in chosen})
    )


@given(keys(DEFAULTS))
def test_settings_are_taken_refused_or_not_decoded(changes: dict[str, Any]) -> None:
    try:
        merged = merge(defaults(), changes)
    except SettingsTypeError:
        return
    check_settings(merged)
    assert list(merged) == list(DEFAULTS)
    # What is stored reads back as the same settings.
    assert merge(defaults(), stored_form(merged)) == merged


@given(st.text(max_size=40) | st.from_regex(r"[0-9*,/ -]{5,30}", fullmatch=True))
def test_any_text_is_a_schedule_or_is_refused(text: str) -> None:
    try:
        parsed = CronExpression.parse(text)
    except CronExpressionError:
        return
    assert CronExpression.parse(parsed.text) == parsed


@given(st.text(max_size=100))
def test_splitting_statements_loses_nothing_but_separators(text: str) -> None:
    found = list(statements(text))
    assert all(statement and statement in text for statement in found)


@given(st.text(max_size=100))
def test_a_backup_name_is_always_a_plain_file_name(app_name: str) -> None:
    name = generate(MANUAL_PREFIX, app_name)
    assert name.isascii()
    assert not set(name) & set("/\\\0 ")
    assert len(name) <= 150
