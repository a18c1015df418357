"""A healthy installation, made once, and a copy of it for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.doctor.installation import Installation, install


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("healthy") / "pb_data"
    install(directory)
    return directory


@pytest.fixture
def installation(healthy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    shutil.copytree(healthy, tmp_path / "pb_data")
    # Faults set it; to have been set here makes it go with the test.
    monkeypatch.setenv("PB_KEY", "")
    monkeypatch.delenv("PB_KEY")
    return Installation(tmp_path / "pb_data")
