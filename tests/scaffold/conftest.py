"""Two clean environments for all tests of this directory: making them takes most of their time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scaffold.environment import ROOT, Environment, build


@pytest.fixture(scope="session")
def pbhost_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("pbhost"))


@pytest.fixture(scope="session")
def environment(pbhost_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Where plugins are written."""
    made = Environment(tmp_path_factory.mktemp("environment"))
    made.install(pbhost_wheel)
    return made


@pytest.fixture(scope="session")
def elsewhere(pbhost_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Where they are used."""
    made = Environment(tmp_path_factory.mktemp("elsewhere"))
    made.install(pbhost_wheel)
    return made
