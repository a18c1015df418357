"""The query parameters of a list (records.md 5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pbhost.errors import BadRequestError

DEFAULT_PER_PAGE = 30
MAX_PER_PAGE = 1000
#: A page beyond this holds nothing anyway, and offsets must fit the database's integers.
_MAX_PAGE = 2**53 // MAX_PER_PAGE

_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False", ""})


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page is asked for, and whether to count."""

    page: int
    per_page: int
    skip_total: bool

    @property
    def offset(self) -> int:
        """How many items come before the page."""
        return (self.page - 1) * self.per_page

    def total_pages(self, total_items: int) -> int:
        """The number of pages; -1 if nothing was counted."""
        return -1 if total_items < 0 else -(-total_items // self.per_page)


def read_paging(query: Mapping[str, str]) -> Paging:
    """The paging of a request.

    Raises:
        BadRequestError: a value is not a number, or not a boolean.
    """
    page = _integer(query.get("page", ""), 1)
    per_page = _integer(query.get("perPage", ""), DEFAULT_PER_PAGE)
    skip = query.get("skipTotal", "")
    if skip not in _TRUE and skip not in _FALSE:
        raise BadRequestError(cause="skipTotal is not a boolean")
    return Paging(
        page=min(page, _MAX_PAGE) if page > 0 else 1,
        per_page=min(per_page, MAX_PER_PAGE) if per_page > 0 else DEFAULT_PER_PAGE,
        skip_total=skip in _TRUE,
    )


def _integer(text: str, default: int) -> int:
    if not text:
        return default
    digits = text[1:] if text[0] in "+-" else text
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 19):
        raise BadRequestError(cause="page or perPage is not an integer")
    return int(text)
