"""What a person may write as a schedule, when it is due, and what they are told when it is wrong."""

from __future__ import annotations

from datetime import datetime

import pytest
from builtin_operations.cron.expression import CronExpression, CronExpressionError

MONDAY = datetime(2024, 5, 6, 12, 30)
SUNDAY = datetime(2024, 5, 5, 0, 0)


@pytest.mark.parametrize(
    ("text", "moment", "due"),
    [
        ("* * * * *", MONDAY, True),
        ("30 12 * * *", MONDAY, True),
        ("31 12 * * *", MONDAY, False),
        ("*/15 * * * *", MONDAY, True),
        ("*/7 * * * *", MONDAY, False),
        ("20-40/10 * * * *", MONDAY, True),
        ("20-40/11 * * * *", MONDAY, False),
        ("5,10,20-35 * * * *", MONDAY, True),
        ("30/1 * * * *", MONDAY, True),
        ("* * * * 1", MONDAY, True),
        ("* * * * 0", SUNDAY, True),
        ("* * 6 * 1", MONDAY, True),
        ("* * 7 * 1", MONDAY, False),  # both day fields must match
        ("* * 6 * 2", MONDAY, False),
        ("@weekly", SUNDAY, True),
        ("@weekly", MONDAY, False),
        ("@hourly", SUNDAY, True),
        ("@yearly", datetime(2024, 1, 1), True),
    ],
)
def test_a_job_is_due_when_all_five_fields_match(text: str, moment: datetime, due: bool) -> None:
    assert CronExpression.parse(text).matches(moment) is due


@pytest.mark.parametrize(
    ("macro", "expanded"),
    [("@daily", "0 0 * * *"), ("@midnight", "0 0 * * *"), ("@monthly", "0 0 1 * *"), ("@annually", "0 0 1 1 *")],
)
def test_a_macro_is_listed_expanded(macro: str, expanded: str) -> None:
    assert CronExpression.parse(macro).text == expanded


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "invalid cron expression - must be a valid macro or to have exactly 5 space separated segments"),
        ("* * * *", "invalid cron expression"),
        ("*  * * * *", "invalid cron expression"),
        ("@DAILY", "invalid cron expression"),
        ("60 * * * *", "invalid segment value - must be between the min and max of the segment"),
        ("* * 0 * *", "invalid segment value"),
        ("* * * * 7", "invalid segment value"),
        ("5/2 * * * *", "invalid segment step - step > 1 could be used only with the wildcard or range format"),
        ("*/0 * * * *", "invalid segment step boundary - the step must be between 1 and the 59"),
        ("* */24 * * *", "invalid segment step boundary - the step must be between 1 and the 23"),
        ("*/2/3 * * * *", "invalid segment step format - must be in the format */n or 1-30/n"),
        ("60-61 * * * *", "invalid segment range minimum - must be between 0 and 59"),
        ("30-20 * * * *", "invalid segment range maximum - must be between 30 and 59"),
        ("1-2-3 * * * *", "invalid segment range format - the range must have 1 or 2 parts"),
        ("MON * * * *", 'strconv.Atoi: parsing "MON": invalid syntax'),
        ("-5 * * * *", 'strconv.Atoi: parsing "": invalid syntax'),
        ("١ * * * *", "strconv.Atoi"),
        ("9" * 5000 + " * * * *", "strconv.Atoi"),
    ],
)
def test_a_wrong_expression_is_explained(text: str, error: str) -> None:
    with pytest.raises(CronExpressionError) as raised:
        CronExpression.parse(text)
    assert str(raised.value).startswith(error)
