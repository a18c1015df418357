"""The API rules of a collection as the filter language sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pbhost.errors import FieldError
from pbhost.model import Collection, Rule
from pbhost.services import FilterFunction

from ..filter import FilterError, QueryPlanner

if TYPE_CHECKING:
    from pbhost.app import App


class RuleChecker:
    """Says whether rules can be evaluated, against the schema as this thread sees it."""

    def __init__(self, app: App) -> None:
        functions = cast("list[FilterFunction]", app.collect("register_filter_functions"))
        # A planner of its own: what is compiled here belongs to a state that may never be committed.
        self._planner = QueryPlanner(app.collections, app.db.dialect, functions)

    def error(self, collection: Collection, rule: Rule) -> FieldError | None:
        """The error of a rule that cannot be compiled; locked and public rules are always fine."""
        if not rule:
            return None
        try:
            self._planner.check_rule(collection, rule)
        except FilterError as error:
            return FieldError("validation_invalid_rule", f"Invalid rule. Raw error: {error}")
        return None
