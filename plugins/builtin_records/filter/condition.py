"""Conditions as data: which joined rows each comparison reads, so that a plan can choose where to look them up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from .template import Template, all_of, any_of, enclosed


@dataclass(frozen=True, slots=True, kw_only=True)
class Atom:
    """A condition that is not taken apart any further.

    Attributes:
        aliases: those that it reads.
        rejects: it does not hold where one of the joined rows it reads is missing.
        implied: one of its rows fulfils it if another condition beside it holds.
        equal: the two sides, each with its aliases, if it is a plain equality.
        by_sets: the same, for a query that goes through most rows: rows of other tables are looked up once for all.
        scanned: the tables that ``by_sets`` goes through.
    """

    sql: Template
    aliases: frozenset[str] = frozenset()
    rejects: bool = False
    implied: bool = False
    equal: tuple[tuple[Template, frozenset[str]], tuple[Template, frozenset[str]]] | None = None
    by_sets: Template | None = None
    scanned: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class All:
    """Conditions that must hold together, for the same joined rows."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """Conditions of which one must hold."""

    parts: tuple[Condition, ...]


Condition: TypeAlias = Atom | All | Any


def all_conditions(parts: Sequence[Condition]) -> Condition:
    """Several conditions as one."""
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def any_condition(parts: Sequence[Condition]) -> Condition:
    """One of several conditions."""
    return parts[0] if len(parts) == 1 else Any(tuple(parts))


def flat(conditions: Iterable[Condition]) -> list[Condition]:
    """Conditions that must hold together, one by one."""
    out: list[Condition] = []
    for condition in conditions:
        out += flat(condition.parts) if isinstance(condition, All) else [condition]
    return out


def aliases_of(condition: Condition) -> frozenset[str]:
    """The aliases that a condition reads."""
    if isinstance(condition, Atom):
        return condition.aliases
    return frozenset().union(*map(aliases_of, condition.parts))


def rejects(condition: Condition) -> bool:
    """Whether a condition does not hold where the joined rows it reads are missing."""
    match condition:
        case Atom():
            return condition.rejects
        case All(parts):
            return any(map(rejects, parts))
        case Any(parts):
            return all(map(rejects, parts))


def to_sql(condition: Condition) -> Template:
    """A condition as it stands, every joined row being joined to the query."""
    match condition:
        case Atom():
            return condition.sql
        case All(parts):
            return enclosed(all_of(map(to_sql, parts)))
        case Any(parts):
            return enclosed(any_of(map(to_sql, parts)))
