"""Why a filter, a rule or a sort cannot be used."""

from __future__ import annotations

from pbhost.errors import PbhostError


class FilterError(PbhostError):
    """A filter, rule or sort that cannot be compiled. The text is for the log and for the editor of a rule.

    Args:
        reason: what is wrong, in one clause.
        position: the offset in the text where it was noticed, -1 if it has no place.
    """

    def __init__(self, reason: str, position: int = -1) -> None:
        self.reason = reason
        self.position = position
        super().__init__(f"{reason} (at {position})" if position >= 0 else reason)


class ForbiddenFilter(FilterError):
    """A client's filter or sort uses what only superusers may; ``reason`` is the message of the 403."""
