"""Rules about one row, random: the virtual row of a create, and stored rows for view, update, delete and realtime."""

from __future__ import annotations

from contextlib import closing

from hypothesis import given, note
from hypothesis import strategies as st

from . import reference
from .compiled import Compiled
from .conftest import cases
from .strategies import expressions, requests, worlds
from .world import Forbidden, Refused, Request, Table, TooLarge, World

QUESTIONS = 8


@st.composite
def worlds_and_rules(draw: st.DrawFn) -> tuple[World, list[tuple[Table, Request, str, str]]]:
    world = draw(worlds())
    questions = []
    for _ in range(QUESTIONS):
        table = draw(st.sampled_from(world.tables))
        request = draw(requests(world, table, body=True))
        rule = draw(expressions(world, table, trusted=True))
        filter = draw(expressions(world, table, trusted=False, most=2)) if draw(st.integers(0, 2)) == 2 else ""
        questions.append((table, request, rule, filter))
    return world, questions


@cases(45, 0.5)
@given(worlds_and_rules())
def test_a_create_rule_sees_the_row_as_it_would_be_stored(
    drawn: tuple[World, list[tuple[Table, Request, str, str]]],
) -> None:
    world, questions = drawn
    with closing(Compiled(world)) as compiled:
        for table, request, rule, _ in questions:
            note(f"{table.name}: rule {rule!r}, body {request.body}")
            try:
                answer, row = compiled.would_hold(table, request, rule)
            except Refused as refusal:
                try:
                    expected = reference.holds(world, table, request, {}, rule, virtual=True)
                except Refused:
                    continue
                raise AssertionError(f"only pbhost refuses; the reference says {expected}") from refusal
            try:
                expected = reference.holds(world, table, request, row, rule, virtual=True)
            except TooLarge:
                continue
            assert answer == expected


@cases(45, 0.5)
@given(worlds_and_rules())
def test_a_rule_and_a_clients_filter_hold_for_the_same_stored_rows(
    drawn: tuple[World, list[tuple[Table, Request, str, str]]],
) -> None:
    world, questions = drawn
    with closing(Compiled(world)) as compiled:
        for table, request, rule, filter in questions:
            note(f"{table.name}: rule {rule!r}, filter {filter!r}, body {request.body}")
            try:
                expected = [
                    str(row["id"])
                    for row in table.rows
                    if reference.holds(world, table, request, row, rule, filter=filter)
                ]
            except TooLarge:
                continue
            except (Refused, Forbidden) as refusal:
                try:
                    found = compiled.holding(table, request, rule, filter)
                except type(refusal):
                    continue
                raise AssertionError(f"refused by the reference ({refusal}), answered: {found}") from refusal
            if table.rows:
                assert compiled.holding(table, request, rule, filter) == expected
