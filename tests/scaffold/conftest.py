"""One clean environment for all tests of this directory: making it takes most of their time."""

from __future__ import annotations

import pytest

from tests.scaffold.environment import ROOT, Environment, build


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    made = Environment(tmp_path_factory.mktemp("environment"))
    made.install(build(ROOT, tmp_path_factory.mktemp("pbhost")))
    return made
