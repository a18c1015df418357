"""What clients were told, and what they were never told: the truth that a server is held to after a crash."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Action: TypeAlias = Literal["create", "update", "delete"]
#: Values of a record as the ledger has them; a file field is the list of its contents' digests.
Values: TypeAlias = dict[str, object]
#: Collection name and record id.
Key: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """What one write makes of one record; ``values`` is None for a delete."""

    action: Action
    values: Values | None


@dataclass(frozen=True, slots=True)
class Operation:
    """One request and all that it changes: whole or not at all."""

    name: str
    steps: Mapping[Key, Step]


@dataclass
class Ledger:
    """The records of one data directory.

    Attributes:
        certain: the last acknowledged state of each record, None for a deleted one.
        actions: what was acknowledged of each record, in order: the rows that the change feed must have.
        doubtful: requests that got no answer.
        acknowledged: how many requests were answered with success.
    """

    certain: dict[Key, Values | None] = field(default_factory=dict)
    actions: dict[Key, list[Action]] = field(default_factory=dict)
    doubtful: list[Operation] = field(default_factory=list)
    acknowledged: int = 0

    def acknowledge(self, operation: Operation) -> None:
        """The server said "done"."""
        self.acknowledged += 1
        self._apply(operation)

    def doubt(self, operation: Operation) -> None:
        """The connection ended without an answer."""
        self.doubtful.append(operation)

    def _apply(self, operation: Operation) -> None:
        for key, step in operation.steps.items():
            self.certain[key] = step.values
            self.actions.setdefault(key, []).append(step.action)

    def settle(self, stored: Mapping[Key, Values]) -> list[str]:
        """Compares with the stored records; afterwards nothing is in doubt any more.

        Returns:
            what is wrong, one line each.
        """
        faults: list[str] = []
        in_doubt: set[Key] = set()
        for operation in self.doubtful:
            in_doubt.update(operation.steps)
            done = [stored.get(key) == step.values for key, step in operation.steps.items()]
            undone = [stored.get(key) == self.certain.get(key) for key in operation.steps]
            if all(done):
                self._apply(operation)
            elif not all(undone):
                found = {key: (stored.get(key), self.certain.get(key), step) for key, step in operation.steps.items()}
                faults.append(f"half there: {operation.name}: {found}")
        self.doubtful.clear()
        for key, values in self.certain.items():
            if key not in in_doubt and stored.get(key) != values:
                faults.append(f"lost: {key} should be {values}, is {stored.get(key)}")
        faults += [f"never written: {key}" for key in stored if key not in self.certain]
        return faults

    def copy(self) -> Ledger:
        """The present state, to go back to."""
        return copy.deepcopy(self)

    def live(self, collection: str) -> list[str]:
        """Ids of a collection's records that are there."""
        return [id_ for (name, id_), values in self.certain.items() if name == collection and values is not None]
