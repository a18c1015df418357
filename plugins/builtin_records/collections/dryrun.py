"""Trying a view query without keeping anything of it."""

from __future__ import annotations

from pbhost.model import Collection, Record
from pbhost.model.ids import LOWER_ALPHANUMERIC, random_text

from .types import VIEW_QUERY
from .writer import SchemaWriter


def dry_run(writer: SchemaWriter, query: str) -> tuple[Collection, list[dict[str, object]]]:
    """The temporary collection of a query and its first records in public form.

    Raises:
        InvalidViewQuery: the query cannot be a view.
    """
    view = writer.inspect(query)
    name = f"temp_view_{random_text(5, LOWER_ALPHANUMERIC)}"
    collection = Collection(id=name, name=name, type="view", fields=view.fields, options={VIEW_QUERY: query})
    sample: list[dict[str, object]] = []
    for row in view.sample:
        record = Record.from_row(collection, view.names, row)
        # a dry run is a superuser's, who sees everything
        record.show(*(field.name for field in view.fields if field.hidden))
        record.show_email = True
        sample.append(record.to_json())
    return collection, sample
