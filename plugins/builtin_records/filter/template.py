"""SQL whose parameters are still open: text with ``?`` marks, and for each mark a slot that yields the value later.

A plan is built of templates once and bound to many requests, so no value of a request ever shapes the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from pbhost.database import SqlValue

from .binding import Binding

#: Yields the value of one ``?`` mark.
Slot: TypeAlias = Callable[[Binding], SqlValue]

_MARK = re.compile("\x01([0-9]+)\x01")


@dataclass(frozen=True, slots=True)
class Template:
    """SQL text and the slots of its ``?`` marks, in order."""

    text: str
    slots: tuple[Slot, ...] = ()

    def __add__(self, other: Template | str) -> Template:
        if isinstance(other, str):
            return Template(self.text + other, self.slots)
        return Template(self.text + other.text, self.slots + other.slots)

    def __radd__(self, other: str) -> Template:
        return Template(other + self.text, self.slots)


#: Conditions that are decided before any row is looked at.
ALWAYS = Template("1 = 1")
NEVER = Template("1 = 0")


def parameter(slot: Slot) -> Template:
    """One bound value."""
    return Template("?", (slot,))


def join(separator: str, parts: Iterable[Template]) -> Template:
    """Templates with a separator between them."""
    parts = list(parts)
    return Template(separator.join(part.text for part in parts), tuple(slot for part in parts for slot in part.slots))


def all_of(conditions: Iterable[Template]) -> Template:
    """Conditions joined by AND, without those that always hold."""
    parts = [condition for condition in conditions if condition != ALWAYS]
    return NEVER if NEVER in parts else join(" AND ", parts) if parts else ALWAYS


def any_of(conditions: Iterable[Template]) -> Template:
    """Conditions joined by OR, without those that never hold."""
    parts = [condition for condition in conditions if condition != NEVER]
    return ALWAYS if ALWAYS in parts else join(" OR ", parts) if parts else NEVER


def enclosed(condition: Template) -> Template:
    """In parentheses, if that makes a difference."""
    return condition if condition in (ALWAYS, NEVER) else "(" + condition + ")"


def spelled(spell: Callable[..., str], *arguments: Template) -> Template:
    """What a dialect makes of SQL texts, with the slots in the order and number in which the texts come out."""
    pieces = _MARK.split(spell(*(f"\x01{index}\x01" for index in range(len(arguments)))))
    out = [pieces[0]]
    slots: list[Slot] = []
    for index, after in zip(pieces[1::2], pieces[2::2], strict=True):
        argument = arguments[int(index)]
        out += (argument.text, after)
        slots += argument.slots
    return Template("".join(out), tuple(slots))
