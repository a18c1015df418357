"""An action asks for the rule of its own kind and for no other one."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from .matrix import ACTIONS, CALLERS, KINDS, Matrix

OWNED = "owner = @request.auth.id"


@pytest.fixture(scope="module", autouse=True)
def collections(runner: asyncio.Runner, matrix: Matrix) -> None:
    """For each kind one where only that rule is open, to the owner, and one where only that one is locked."""
    for kind in KINDS:
        runner.run(matrix.define(f"only_{kind}", {**dict.fromkeys(KINDS), kind: OWNED}))
        runner.run(matrix.define(f"without_{kind}", {**dict.fromkeys(KINDS, ""), kind: None}))


@pytest.mark.parametrize(("action", "kind"), list(itertools.product(ACTIONS, KINDS)))
def test_the_rule_of_another_kind_opens_nothing(runner: asyncio.Runner, matrix: Matrix, action: str, kind: str) -> None:
    own, act = ACTIONS[action]
    found = {caller for caller in CALLERS if runner.run(act(matrix, f"only_{kind}", caller))}
    assert found == ({"owner", "superuser"} if own == kind else {"superuser"})


@pytest.mark.parametrize(("action", "kind"), list(itertools.product(ACTIONS, KINDS)))
def test_the_rule_of_another_kind_locks_nothing(runner: asyncio.Runner, matrix: Matrix, action: str, kind: str) -> None:
    own, act = ACTIONS[action]
    found = {caller for caller in CALLERS if runner.run(act(matrix, f"without_{kind}", caller))}
    assert found == ({"superuser"} if own == kind else set(CALLERS))
