"""What was measured, as lines while it runs and as a table at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TextIO


@dataclass(frozen=True, slots=True)
class Line:
    """One result beside its bar.

    Attributes:
        name: of the workload.
        figure: what was measured.
        bar: what is to be reached.
        at_most: whether smaller is better.
        unit: of both.
        pocketbase: the same of PocketBase 0.39 on two cores, if known.
        note: details.
    """

    name: str
    figure: float
    bar: float | None = None
    at_most: bool = False
    unit: str = ""
    pocketbase: float | None = None
    note: str = ""

    @property
    def reached(self) -> bool | None:
        if self.bar is None:
            return None
        return self.figure <= self.bar if self.at_most else self.figure >= self.bar


class Report:
    """Collects results."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._lines: list[Line] = []

    def say(self, text: str) -> None:
        print(text, file=self._output, flush=True)

    def add(self, line: Line) -> None:
        self._lines.append(line)
        self.say(f"  {line.name}: {_number(line.figure)}{line.unit}  {line.note}")

    def summary(self) -> None:
        """The table."""
        rows = [("workload", "PocketBase", "bar", "measured", "")]
        for line in self._lines:
            sign = "≤ " if line.at_most else "≥ "
            rows.append(
                (
                    line.name,
                    _number(line.pocketbase),
                    "" if line.bar is None else sign + _number(line.bar) + line.unit,
                    _number(line.figure) + line.unit,
                    {None: "", True: "reached", False: "MISSED"}[line.reached],
                )
            )
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        self.say("")
        for row in rows:
            self.say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
