"""Lists of the compiler and of the reference evaluator are the same, for random schemas, rows, rules and filters."""

from __future__ import annotations

import itertools
from contextlib import closing

from hypothesis import given, note
from hypothesis import strategies as st

from . import reference
from .compiled import Compiled
from .conftest import cases
from .dense import dense_questions, dense_worlds
from .strategies import ListQuestion, list_questions, worlds
from .world import Forbidden, Refused, TooLarge, World

#: What is asked of each schema with its rows.
QUESTIONS = 10
DENSE_QUESTIONS = 25


@st.composite
def worlds_and_questions(draw: st.DrawFn) -> tuple[World, list[ListQuestion]]:
    world = draw(worlds())
    return world, [draw(list_questions(world)) for _ in range(QUESTIONS)]


@cases(90)
@given(worlds_and_questions())
def test_every_list_shows_the_rows_that_the_reference_shows(drawn: tuple[World, list[ListQuestion]]) -> None:
    world, questions = drawn
    with closing(Compiled(world)) as compiled:
        for question in questions:
            _check(world, compiled, question)


@st.composite
def dense_worlds_and_questions(draw: st.DrawFn) -> tuple[World, list[ListQuestion]]:
    world = draw(dense_worlds())
    return world, [draw(dense_questions(world)) for _ in range(DENSE_QUESTIONS)]


@cases(45, 0.5)
@given(dense_worlds_and_questions())
def test_conditions_that_share_rows_share_them_as_in_the_reference(drawn: tuple[World, list[ListQuestion]]) -> None:
    world, questions = drawn
    with closing(Compiled(world)) as compiled:
        for question in questions:
            _check(world, compiled, question)


def _check(world: World, compiled: Compiled, question: ListQuestion) -> None:
    note(f"{question.table.name}: rule {question.rule!r}, filter {question.filter!r}, sort {question.sort!r}")
    try:
        rows, keys = reference.select(
            world,
            question.table,
            question.request,
            rule=question.rule,
            filter=question.filter,
            sort=question.sort,
            client=question.client,
        )
    except TooLarge:
        return
    except (Forbidden, Refused) as refusal:
        try:
            answer = compiled.list(question)
        except type(refusal):
            return
        raise AssertionError(f"refused by the reference ({refusal}), answered: {answer}") from refusal
    ids, count, exists = compiled.list(question)
    expected = [str(row["id"]) for row in rows]
    assert sorted(ids) == sorted(expected)
    assert count == len(ids)
    assert exists == bool(ids)
    if question.sort:
        _check_order(question.sort, ids, dict(zip(expected, keys, strict=True)))


def _check_order(sort: str, ids: list[str], keys: dict[str, list[tuple[object, ...]]]) -> None:
    """Rows with one possible key each stand in its order; a multi-valued sort may take any of its values."""
    descending = [term.strip().startswith("-") for term in sort.split(",")]
    single = [(id_, keys[id_][0]) for id_ in ids if len(set(keys[id_])) == 1]
    for (_, before), (_, after) in itertools.pairwise(single):
        for down, a, b in zip(descending, before, after, strict=True):
            if a != b:
                assert (a > b) if down else (a < b), f"{before} stands before {after}"
                break
