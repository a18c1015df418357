"""Requests as a table: each row says who asks for what, and what comes of it.

::

    CASES = scenarios(
        Scenario("a guest sees no draft", url="/api/collections/posts/records", contains=['"totalItems":0']),
        Scenario(
            "a user creates a post",
            method="POST", url="/api/collections/posts/records", body={"title": "Hello"}, as_="user",
            contains=['"slug":"hello"'], hooks={"on_record_create": 1},
        ),
    )

    @CASES
    async def test_posts(case, scenario):
        await scenario(case)
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import pytest

from pbhost.testing.recorder import HOOKS, HookRecorder

if TYPE_CHECKING:
    from pbhost.testing.outbox import MailOutbox
    from pbhost.testing.running import Answer, Running

Step: TypeAlias = "Callable[[Running], Awaitable[object]]"
#: How long hooks and mails that come after the answer are waited for.
_PATIENCE = 3.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One request and what is expected of it.

    Attributes:
        name: a sentence; pytest shows it.
        url: path and query; body is sent as JSON, data as a form.
        as_: ``guest``, ``user``, ``superuser``, or an auth token.
        status: the expected status.
        contains: texts that the body of the answer has, JSON written without spaces; not_contains: that it has not.
        hooks: how often hooks fire during the request; ``"*"`` is for every hook that is not named.
        mails: how many mails are sent, None for any number.
        before: run before the request, for instance to create what it asks for; its hooks are not counted.
        after: run when everything else held.
    """

    name: str
    method: str = "GET"
    url: str = "/api/health"
    body: object = None
    data: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    as_: Literal["guest", "user", "superuser"] | str = "guest"
    status: int = 200
    contains: Sequence[str] = ()
    not_contains: Sequence[str] = ()
    hooks: Mapping[str, int] = field(default_factory=dict)
    mails: int | None = None
    before: Step | None = None
    after: Step | None = None


class RunScenario(Protocol):
    """What the fixture ``scenario`` is."""

    async def __call__(self, case: Scenario) -> None:
        """Sends the request of a row and checks what came of it."""
        ...


def scenarios(*cases: Scenario) -> pytest.MarkDecorator:
    """A decorator that runs a test once for each row, which it gets as ``case``."""
    return pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in cases])


async def run_scenario(case: Scenario, running: Running, recorder: HookRecorder, outbox: MailOutbox) -> None:
    """Runs one row.

    Raises:
        AssertionError: something is not as the row says.
        KeyError: the row names a hook that does not exist.
    """
    for hook in case.hooks:
        if hook != "*" and hook not in HOOKS:
            raise KeyError(f"there is no hook {hook!r}")
    if case.before is not None:
        await case.before(running)
    token = await _token(case.as_, running)
    recorder.clear()
    outbox.clear()
    answer = await running.request(case.method, case.url, case.body, token=token, data=case.data, headers=case.headers)
    _check_answer(case, answer)
    await _check_effects(case, recorder, outbox)
    if case.after is not None:
        await case.after(running)


async def _token(caller: str, running: Running) -> str:
    match caller:
        case "guest":
            return ""
        case "user":
            return (await running.user())[1]
        case "superuser":
            return await running.superuser()
    return caller


def _check_answer(case: Scenario, answer: Answer) -> None:
    assert answer.status == case.status, answer.text
    for text in case.contains:
        assert text in answer.text, f"{text!r} is missing in {answer.text!r}"
    for text in case.not_contains:
        assert text not in answer.text, f"{text!r} is in {answer.text!r}"


async def _check_effects(case: Scenario, recorder: HookRecorder, outbox: MailOutbox) -> None:
    expected = dict.fromkeys(HOOKS, case.hooks["*"]) if "*" in case.hooks else {}
    expected |= {hook: count for hook, count in case.hooks.items() if hook != "*"}

    def fired() -> dict[str, int]:
        counts = recorder.counts
        return {hook: counts[hook] for hook in expected}

    deadline = asyncio.get_running_loop().time() + _PATIENCE
    while fired() != expected or (case.mails or 0) > len(outbox):
        if asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(0.005)
    wrong = {hook: f"{count} times, not {expected[hook]}" for hook, count in fired().items() if count != expected[hook]}
    assert not wrong, f"hooks fired: {wrong}"
    if case.mails is not None:
        assert len(outbox) == case.mails, [mail.subject for mail in outbox]
