"""The query parameters: as they are published, and as they are checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from pbhost import Collection, FieldError, ValidationError
from pbhost.errors import JSON, ErrorTree
from pbhost.validation import check, closest, collect, length, one_of

SEPARATORS: Final[Mapping[str, str]] = {"comma": ",", "semicolon": ";", "tab": "\t"}

_LONGEST: Final = {"columns": 5000, "filter": 3500, "sort": 2000}

#: JSON Schemas for the description of the route.
QUERY: Final[Mapping[str, JSON]] = {
    "columns": {
        "type": "string",
        "maxLength": _LONGEST["columns"],
        "description": "names of fields, joined by commas; all that the caller may see if empty",
    },
    "filter": {"type": "string", "maxLength": _LONGEST["filter"], "description": "as in a list of records"},
    "sort": {"type": "string", "maxLength": _LONGEST["sort"], "description": "as in a list of records"},
    "limit": {"type": "integer", "minimum": 1, "description": "at most so many rows"},
    "separator": {"type": "string", "enum": list(SEPARATORS), "default": "comma"},
}


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """What a report shall hold.

    Attributes:
        columns: names of fields, in order.
        limit: most rows.
        separator: the character between two cells.
    """

    columns: tuple[str, ...]
    filter: str
    sort: str
    limit: int
    separator: str

    @classmethod
    def parse(cls, query: Mapping[str, str], collection: Collection, *, max_rows: int, sees_hidden: bool) -> Self:
        """The query of a request.

        Args:
            max_rows: the most that ``limit`` may be, and its default.
            sees_hidden: whether the caller may have hidden fields.

        Raises:
            ValidationError: with one error per parameter.
        """
        known = [
            field.name for field in collection.fields if field.type != "password" and (sees_hidden or not field.hidden)
        ]
        given = [name.strip() for name in query.get("columns", "").split(",") if name.strip()]
        limit, separator = query.get("limit", ""), query.get("separator", "") or "comma"
        errors: dict[str, FieldError | ErrorTree | None] = {
            name: check(query.get(name, ""), length(0, longest)) for name, longest in _LONGEST.items()
        }
        errors["columns"] = errors["columns"] or _columns_error(given, known)
        errors["limit"] = _limit_error(limit, max_rows)
        errors["separator"] = check(separator, one_of(SEPARATORS))
        found = collect(errors)
        if found:
            raise ValidationError(found, "The report cannot be made.")
        return cls(
            columns=tuple(given or known),
            filter=query.get("filter", ""),
            sort=query.get("sort", ""),
            limit=int(limit or max_rows),
            separator=SEPARATORS[separator],
        )


def _columns_error(given: Sequence[str], known: Sequence[str]) -> FieldError | None:
    unknown = next((name for name in given if name not in known), None)
    if unknown is not None:
        near = closest(unknown, known)
        hint = f" Did you mean {near!r}?" if near else ""
        return FieldError("report_unknown_column", f"There is no column {unknown[:100]!r}.{hint}")
    if len(set(given)) < len(given):
        return FieldError("report_repeated_column", "A column is named twice.")
    return None


def _limit_error(text: str, most: int) -> FieldError | None:
    if not text:
        return None
    is_number = text.isascii() and text.isdigit() and len(text) <= 15
    if is_number and 1 <= int(text) <= most:
        return None
    return FieldError("report_invalid_limit", f"Must be a number from 1 to {most}.", {"max": most, "min": 1})
