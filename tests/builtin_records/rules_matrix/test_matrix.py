"""Who may do what: each rule, each action, each caller. Every row of the table names the callers who may; everyone else
is a denial, so each denial stands beside an allowed control.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping

import pytest

from .matrix import ACTIONS, CALLERS, KINDS, Matrix

EVERYONE = frozenset(CALLERS)
USERS = frozenset(("owner", "other", "staff", "superuser"))
#: Rule, and who satisfies it.
RULES: Mapping[str, tuple[str | None, frozenset[str]]] = {
    "locked": (None, frozenset(("superuser",))),
    "public": ("", EVERYONE),
    "signed": ("@request.auth.id != ''", USERS),
    "owned": ("owner = @request.auth.id", frozenset(("owner", "superuser"))),
    "friendly": ("friends.id ?= @request.auth.id", frozenset(("other", "superuser"))),
    "staffed": ("@request.auth.collectionName = 'staff'", frozenset(("staff", "superuser"))),
    "never": ("1 = 2", frozenset(("superuser",))),
    "listed": ("@collection.grants.user ?= @request.auth.id", frozenset(("other", "superuser"))),
}


@pytest.fixture(scope="module", autouse=True)
def collections(runner: asyncio.Runner, matrix: Matrix) -> None:
    """One for each rule, with that rule of every kind."""
    for name, (rule, _) in RULES.items():
        runner.run(matrix.define(name, dict.fromkeys(KINDS, rule)))


@pytest.mark.parametrize(("action", "rule"), list(itertools.product(ACTIONS, RULES)))
def test_exactly_those_whom_the_rule_admits(runner: asyncio.Runner, matrix: Matrix, action: str, rule: str) -> None:
    _, act = ACTIONS[action]
    found = {caller for caller in CALLERS if runner.run(act(matrix, rule, caller))}
    assert found == RULES[rule][1]
