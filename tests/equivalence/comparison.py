"""Two sides and a sign: emptiness, order, LIKE, and values that contradict (8.3, 8.8)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from builtin_records.filter.ast import Operator

from .joins import Joined, Nature, Side
from .values import (
    EMPTY,
    Cell,
    Truth,
    contains_pattern,
    equal,
    like,
    like_pattern,
    or_empty,
    ordered,
    same,
)


def compare(left: Side, a: Cell, sign: Operator, right: Side, b: Cell) -> Truth:
    """Two single values; the sides say how emptiness counts."""
    match sign:
        case Operator.EQUAL:
            return _equality(left, a, right, b)
        case Operator.NOT_EQUAL:
            return _inequality(left, a, right, b)
        case Operator.LIKE | Operator.NOT_LIKE:
            pattern = like_pattern(b.value) if right.parameter else contains_pattern(b.value)
            found = like(a.value, pattern)
            return found if sign is Operator.LIKE or found is None else not found
        case _:
            return ordered(a, sign.value, b)


def _equality(left: Side, a: Cell, right: Side, b: Cell) -> Truth:
    if left.strict or right.strict:
        return same(a, b)
    natures = (left.nature, right.nature)
    if natures == (Nature.EMPTY, Nature.EMPTY):
        return True
    if Nature.KNOWN in natures:
        return equal(_empty_as_text(left, a), _empty_as_text(right, b))
    if left.nature is Nature.EMPTY:
        return b.value is None or bool(equal(EMPTY, b))
    if right.nature is Nature.EMPTY:
        return a.value is None or bool(equal(a, EMPTY))
    return equal(or_empty(a), or_empty(b))


def _inequality(left: Side, a: Cell, right: Side, b: Cell) -> Truth:
    if Nature.KNOWN in (left.nature, right.nature) and not (left.strict or right.strict):
        return not same(_empty_as_text(left, a), _empty_as_text(right, b))
    return not _equality(left, a, right, b)


def _empty_as_text(side: Side, cell: Cell) -> Cell:
    return EMPTY if side.nature is Nature.EMPTY else cell


def contradicted(left: Side, sign: Operator, right: Side, joined: Joined) -> bool:
    """Whether any value of a multi-valued side speaks against the comparison."""
    row = joined[()]
    assert row is not None
    if left.many and right.many:
        pairs = [(a, b) for a in left.many(row) for b in right.many(row)]
        sides = replace(left, parameter=False), replace(right, parameter=False)
    elif left.many:
        pairs = [(a, right.of(joined)) for a in left.many(row)]
        sides = replace(left, parameter=False), replace(right, strict=False)
    else:
        assert right.many is not None
        pairs = [(left.of(joined), b) for b in right.many(row)]
        sides = replace(left, strict=False), replace(right, parameter=False)
    return any(compare(sides[0], a, sign, sides[1], b) is False for a, b in pairs)


def all_true(truths: Iterator[Truth] | Sequence[Truth]) -> Truth:
    truths = list(truths)
    return False if any(truth is False for truth in truths) else None if None in truths else True


def any_true(truths: Iterator[Truth] | Sequence[Truth]) -> Truth:
    truths = list(truths)
    return True if any(truths) else None if None in truths else False
