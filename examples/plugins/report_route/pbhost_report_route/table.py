"""Records as lines of CSV (RFC 4180)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pbhost import Record
from pbhost.http import dumps

#: What makes spreadsheets read a cell as a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class Table:
    """Writes rows of the same columns.

    Args:
        columns: keys of the JSON form of a record.
        separator: between two cells.
        escape_formulas: put a ' before text that a spreadsheet would run; who opens a report did not write its cells.
    """

    def __init__(self, columns: Sequence[str], separator: str, *, escape_formulas: bool) -> None:
        self._columns = columns
        self._separator = separator
        self._escape_formulas = escape_formulas

    def head(self) -> bytes:
        """The line with the names of the columns."""
        return self._lines([list(self._columns)])

    def rows(self, records: Iterable[Record]) -> bytes:
        """One line for each record; a value that it does not show is an empty cell."""
        return self._lines(self._cells(record.to_json()) for record in records)

    def _cells(self, record: Mapping[str, object]) -> list[str]:
        return [self._cell(record.get(name)) for name in self._columns]

    def _cell(self, value: object) -> str:
        match value:
            case None:
                return ""
            case bool():
                return "true" if value else "false"
            case int() | float():
                return repr(value)
            case str():
                text = value
            case _:
                text = dumps(value).decode("utf-8", "replace").rstrip("\n")
        return f"'{text}" if self._escape_formulas and text.startswith(_FORMULA) else text

    def _lines(self, rows: Iterable[Sequence[str]]) -> bytes:
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=self._separator, lineterminator="\r\n").writerows(rows)
        return out.getvalue().encode("utf-8", "replace")
