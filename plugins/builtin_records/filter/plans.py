"""Compiled queries, kept by what they are for and by what they depend on in a request.

A client decides what filters it sends, so what is kept is bounded by its size, not only by its number.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from threading import Lock
from typing import NamedTuple, TypeAlias

from .binding import Binding
from .compiled import CompiledQuery
from .schema import Access

#: Kinds of requests that one plan keeps SQL for.
MAX_VARIANTS = 128
#: Characters of SQL in all plans together.
MAX_TEXT = 2_000_000

Question: TypeAlias = Callable[[Binding], Hashable]


class Spec(NamedTuple):
    """What a plan is for. ``shape`` stands for every filter that differs from it in its literals only."""

    collection_id: str
    version: int
    rule: str
    shape: str
    sort: str
    access: Access
    is_virtual: bool


@dataclass(slots=True)
class _Fork:
    question: Question
    branches: dict[Hashable, _Fork | CompiledQuery] = field(default_factory=dict)


@dataclass(slots=True)
class Plan:
    """The SQL of one specification: a tree of questions about the request, with a compiled query at each end."""

    root: _Fork | CompiledQuery | None = None
    variants: int = 0
    size: int = 0

    def find(self, binding: Binding) -> CompiledQuery | None:
        """The query for a request like this, if there was one before."""
        node = self.root
        while isinstance(node, _Fork):
            node = node.branches.get(node.question(binding))
        return node

    def add(self, answers: Sequence[tuple[Question, Hashable]], compiled: CompiledQuery) -> None:
        """Adds a query at the end of the questions that its compilation asked, which depend on nothing but the answers
        before them."""
        if self.variants >= MAX_VARIANTS:
            self.root, self.variants, self.size = None, 0, 0
        self.variants += 1
        self.size += compiled.size
        if not answers:
            self.root = compiled
            return
        if not isinstance(self.root, _Fork):
            self.root = _Fork(answers[0][0])
        fork = self.root
        for (_, answer), (question, _) in pairwise(answers):
            branch = fork.branches.get(answer)
            if not isinstance(branch, _Fork):
                branch = fork.branches[answer] = _Fork(question)
            fork = branch
        fork.branches[answers[-1][1]] = compiled


class PlanCache:
    """The plans of one planner, least recently used out first. Safe to use from several threads."""

    def __init__(self, generation: int) -> None:
        self._plans: OrderedDict[Spec, Plan] = OrderedDict()
        self._generation = generation
        self._size = 0
        self._lock = Lock()

    def plan(self, spec: Spec, generation: int) -> Plan:
        """The plan for a specification; all are dropped when the schema's generation has changed."""
        with self._lock:
            if generation != self._generation:
                self._plans.clear()
                self._size = 0
                self._generation = generation
            plan = self._plans.get(spec)
            if plan is None:
                plan = self._plans[spec] = Plan(size=len(spec.shape) + len(spec.sort) + 500)
                self._size += plan.size
                self._make_room()
            else:
                self._plans.move_to_end(spec)
            return plan

    def add(
        self, spec: Spec, plan: Plan, answers: Sequence[tuple[Question, Hashable]], compiled: CompiledQuery
    ) -> None:
        """Adds a query to a plan, and makes room for it."""
        with self._lock:
            before = plan.size
            plan.add(answers, compiled)
            if self._plans.get(spec) is not plan:
                return  # dropped in the meantime
            self._size += plan.size - before
            self._make_room()

    def _make_room(self) -> None:
        while self._size > MAX_TEXT and len(self._plans) > 1:
            _, dropped = self._plans.popitem(last=False)
            self._size -= dropped.size
