"""The short form of ``make crash``: a few kills of each kind, and a restore that is cut short at every point."""

from __future__ import annotations

from pathlib import Path

import pytest

from .campaign import Campaign, Kind

CAMPAIGNS: dict[int, list[Kind]] = {
    1: ["backup", "drop", "thumbs", "restore", "migration", "schema"],
    2: ["worker", "logs", "restore", "start"],
}


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_crash_loses_nothing_that_was_acknowledged(workers: int, tmp_path: Path) -> None:
    campaign = Campaign(tmp_path, workers=workers, seed=workers, longest=0.6)
    report = await campaign.run(CAMPAIGNS[workers])
    assert not report.faults, "\n".join([str(report), *report.faults[:20], campaign.server.output()[-3000:]])
    assert report.kills >= report.runs
    assert report.acknowledged > 0
