"""How many cases: enough for every run in a minute; ``PBHOST_EQUIVALENCE_CASES`` asks for more and for new ones."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from pbhost.model import clock

from .world import Request

_ASKED = int(os.environ.get("PBHOST_EQUIVALENCE_CASES", "0"))


def cases(usual: int, share: float = 1.0) -> settings:
    """The settings of a test with that many cases in the usual run; ``share`` of those asked for in a long one."""
    return settings(
        max_examples=max(1, int(_ASKED * share)) if _ASKED else usual,
        derandomize=not _ASKED,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )


# Of the module: a package's ends with the run, and the clock would stand still for the tests after it.
@pytest.fixture(autouse=True, scope="module")
def fixed_clock() -> Iterator[None]:
    """The moment that the reference evaluator knows, for the macros."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "utc_now", lambda: Request().now)
        yield
