"""The two kinds of collections that need no plugin of their own: tables of plain records, and views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pbhost.errors import JSON, REQUIRED, ErrorTree, FieldError
from pbhost.model import Collection, CollectionType, OptionTypeError, SchemaCheck

VIEW_QUERY = "viewQuery"


class BaseType(CollectionType):
    """``base``: nothing beyond the common model."""

    name: ClassVar[str] = "base"

    def defaults(self, collection: Collection) -> dict[str, JSON]:
        return {}

    def merge_options(self, stored: Mapping[str, JSON], submitted: Mapping[str, JSON]) -> dict[str, JSON]:
        return {}


class ViewType(CollectionType):
    """``view``: read-only, its fields inferred from ``viewQuery``."""

    name: ClassVar[str] = "view"
    has_table: ClassVar[bool] = False

    def defaults(self, collection: Collection) -> dict[str, JSON]:
        return {VIEW_QUERY: ""}

    def merge_options(self, stored: Mapping[str, JSON], submitted: Mapping[str, JSON]) -> dict[str, JSON]:
        query = stored.get(VIEW_QUERY)
        for key, value in submitted.items():
            if key.lower() == VIEW_QUERY.lower() and value is not None:
                if not isinstance(value, str):
                    raise OptionTypeError(f"{VIEW_QUERY} must be a string")
                query = value
        return {VIEW_QUERY: query if isinstance(query, str) else ""}

    def check(self, check: SchemaCheck) -> ErrorTree:
        query = view_query(check.collection)
        errors: dict[str, FieldError | ErrorTree] = {}
        if not query.strip():
            errors[VIEW_QUERY] = REQUIRED
        return errors


def view_query(collection: Collection) -> str:
    """The query of a view as it was submitted."""
    query = collection.options.get(VIEW_QUERY)
    return query if isinstance(query, str) else ""
