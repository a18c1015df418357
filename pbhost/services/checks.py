"""Checks of an installation, for ``pbhost doctor``: what a plugin looks at, and what it says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from time import monotonic
from typing import Protocol, TypeAlias, runtime_checkable

from pbhost.errors import JSON


class Severity(IntEnum):
    """How bad a finding is; the worst one decides the exit code of ``pbhost doctor``."""

    ADVICE = 1
    WARNING = 2
    ERROR = 3

    @property
    def word(self) -> str:
        """As it is printed."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is not as it should be.

    Attributes:
        what: what is the matter, in one line, with the names and numbers of this installation; never a secret.
        why: what comes of it if it stays so.
        remedy: what to do: a command, a setting, a statement.
        details: further lines, for instance the first of many names; printed indented.
    """

    severity: Severity
    what: str
    why: str
    remedy: str
    details: tuple[str, ...] = ()

    def to_json(self) -> dict[str, JSON]:
        """The form of ``pbhost doctor --json``."""
        lines: list[JSON] = [*self.details]
        return {
            "severity": self.severity.word,
            "what": self.what,
            "why": self.why,
            "remedy": self.remedy,
            "details": lines,
        }


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a check may look at.

    Attributes:
        is_full: whether it shall look at everything however long that takes.
        deadline: ``time.monotonic()`` by which it should end otherwise, with what it has found so far.
    """

    is_full: bool = False
    deadline: float = float("inf")

    @property
    def is_spent(self) -> bool:
        """Whether it is time to end."""
        return not self.is_full and monotonic() >= self.deadline


#: What looks: it may read through the services of the application, and writes nothing.
Examine: TypeAlias = Callable[[Budget], Awaitable[Sequence[Finding]]]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that ``pbhost doctor`` looks at, registered with ``register_checks``.

    Attributes:
        id: unique, with the plugin's name in front: ``files.orphans``. A later check of an id replaces the earlier one.
        title: what is looked at, in a few words.
        examine: looks; nothing found is an empty list. An exception is reported as a finding and stops nothing else.
        needs: services it reads from; it is left out when one of them is missing or cannot be read.
    """

    id: str
    title: str
    examine: Examine
    needs: tuple[str, ...] = ()


@runtime_checkable
class Inspectable(Protocol):
    """A service that can be read without being started: nothing is written, no task runs, a server may run beside it.

    It is ended with :meth:`pbhost.services.Startable.stop` (the database: ``close``) like a started one.
    """

    async def inspect(self) -> None:
        """Makes what is stored readable.

        Raises:
            pbhost.errors.PbhostError: it cannot be read; says what to do.
        """
        ...
