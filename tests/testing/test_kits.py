"""The built-in services pass the kits that replacements have to pass."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pbhost.testing import Running, running_app
from pbhost.testing.collections_kit import CollectionsKit
from pbhost.testing.files_kit import FilesKit
from pbhost.testing.realtime_kit import RealtimeKit
from pbhost.testing.records_kit import RecordsKit


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_app(tmp_path) as running:
        yield running


class TestCollections(CollectionsKit): ...


class TestRecords(RecordsKit): ...


class TestFiles(FilesKit): ...


class TestRealtime(RealtimeKit): ...
