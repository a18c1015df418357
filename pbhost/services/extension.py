"""Small things that plugins register."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class FilterFunction(Protocol):
    """A function of the filter language, registered through ``register_filter_functions``."""

    name: str
    min_arguments: int
    max_arguments: int

    def sql(self, arguments: Sequence[str]) -> str:
        """The SQL of a call; each argument is SQL text already."""
        ...


@dataclass(frozen=True, slots=True)
class DashboardExtension:
    """Files added to the admin interface under ``/_/extensions/{name}/``; ``main.js`` is run by it."""

    name: str
    directory: Path
