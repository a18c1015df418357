"""Rule, filter and sort to SQL, compiled once and used for every request that is alike."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pbhost.database import Dialect, SqlValue
from pbhost.model import Collection, Record, RequestContext
from pbhost.model.ids import record_id
from pbhost.services import FilterFunction

from . import slots
from .ast import Comparison, Group, Number, Text
from .binding import Binding
from .compiled import BoundQuery, CompiledQuery
from .condition import Condition
from .errors import FilterError, ForbiddenFilter
from .expression import Expression, Query, parse_rule
from .keyset import SortTerm
from .links import BASE, Joins, column
from .parser import parse
from .plans import PlanCache, Question, Spec
from .printer import to_shape
from .schema import Access, Row, Schema
from .sorting import sort_terms
from .template import Template, join, parameter

#: Bytes of a filter in a request.
MAX_CLIENT_FILTER = 3500
#: Characters of a filter whose tree is kept; longer ones are parsed each time, so that trees take little memory.
MAX_KEPT_FILTER = 400

_VIRTUAL = "pb_row"
_FORBIDDEN = ("@collection.", "@request.")


class QueryPlanner:
    """Compiles queries over records and keeps what it compiled. Safe to use from several threads.

    Args:
        schema: the collections.
        dialect: the database's spelling.
        functions: functions of the filter language that plugins registered.
    """

    def __init__(self, schema: Schema, dialect: Dialect, functions: Iterable[FilterFunction] = ()) -> None:
        self._schema = schema
        self._dialect = dialect
        self._functions = {function.name: function for function in functions}
        self._plans = PlanCache(schema.generation)

    def query(
        self,
        collection: Collection,
        context: RequestContext,
        *,
        rule: str = "",
        filter: str = "",
        sort: str = "",
        access: Access = Access.CODE,
        values: Mapping[str, object] | None = None,
        ids: Sequence[str] | None = None,
        row: Mapping[str, SqlValue] | None = None,
    ) -> BoundQuery:
        """The rows of a collection that satisfy a rule and a filter, for one request.

        Args:
            collection: whose rows.
            context: the request that ``@request.…`` speaks of; ``body`` with normalised values.
            rule: a trusted expression, never restricted; "" for none. (A locked rule, None, is the caller's to refuse.)
            filter: an expression under ``access``; "" for none.
            sort: the sort under ``access``; "" for the natural order.
            access: whose words ``filter`` and ``sort`` are: :meth:`Access.of` for the list API.
            values: what ``{:name}`` stands for in ``filter``; only with :attr:`Access.CODE`.
            ids: only these rows (at most 1000).
            row: ask about this row, which need not be stored, instead of the stored ones: see :func:`virtual_row`.

        Raises:
            ForbiddenFilter: a client uses ``@collection.`` or ``@request.``: 403 with ``reason``.
            FilterError: the rule, filter or sort cannot be compiled.
        """
        tree, shape, literals = _read_filter(filter, sort, access, context)
        binding = Binding(context=context, literals=literals, values=values, ids=ids, row=row)
        spec = Spec(
            collection_id=collection.id,
            version=collection.version,
            rule=rule,
            shape=shape,
            sort=sort,
            access=access,
            is_virtual=row is not None,
        )
        plan = self._plans.plan(spec, self._schema.generation)
        compiled = plan.find(binding)
        if compiled is None:
            answers: dict[Question, Hashable] = {}

            def ask(question: Question) -> Hashable:
                if question not in answers:
                    answers[question] = question(binding)
                return answers[question]

            compiled = self._compile(collection, spec, tree, ask, self._schema)
            self._plans.add(spec, plan, list(answers.items()), compiled)
        return compiled.bind(binding)

    def check_rule(self, collection: Collection, rule: str) -> None:
        """Whether a rule could be evaluated for a collection that is about to be saved.

        Raises:
            FilterError: it could not; the text says why.
        """
        binding = Binding(context=RequestContext())
        spec = Spec(
            collection_id=collection.id,
            version=collection.version,
            rule=rule,
            shape="",
            sort="",
            access=Access.CODE,
            is_virtual=False,
        )
        self._compile(collection, spec, None, lambda question: question(binding), _With(self._schema, collection))

    def _compile(
        self,
        collection: Collection,
        spec: Spec,
        tree: Group | None,
        ask: Callable[[Question], Hashable],
        schema: Schema,
    ) -> CompiledQuery:
        dialect = self._dialect
        source = dialect.quote(_VIRTUAL if spec.is_virtual else collection.name)
        joins = Joins(dialect)
        query = Query(schema, dialect, ask, self._functions, joins)
        conditions: list[Condition] = []
        if spec.rule:
            rule_row = Row(collection, BASE, source, is_virtual=spec.is_virtual)
            conditions.append(Expression(query, rule_row).compile(parse_rule(spec.rule)))
        row = Row(collection, BASE, source, spec.access, spec.is_virtual)
        if tree is not None:
            conditions.append(Expression(query, row, shared_literals=True).compile(tree))
        terms = sort_terms(spec.sort, Expression(query, row)) if spec.sort else []
        # The list rules of what the sort joins decide which rows there are, too.
        conditions += query.checks.values()
        is_view = collection.is_view
        return CompiledQuery(
            dialect=dialect,
            source=source,
            prefix=_virtual_source(dialect, collection) if spec.is_virtual else Template(""),
            conditions=tuple(conditions),
            joins=joins,
            sorted_by=frozenset(one for term in terms for one in term.aliases),
            views=frozenset(name for name in joins.tables if (found := schema.find(name)) and found.is_view),
            order=join(", ", [term.spelled() for term in terms]) if terms else None,
            terms=tuple(terms),
            tie=SortTerm(Template(column(dialect, BASE, "id") if is_view else dialect.row_number(BASE))),
            collection=collection,
            is_stored=row.is_stored,
            count_key=column(dialect, BASE, "id") if is_view or spec.is_virtual else dialect.row_number(BASE),
            tables=frozenset((collection.name, *joins.tables)),
        )


def virtual_row(record: Record, columns: Mapping[str, SqlValue] | None = None) -> dict[str, SqlValue]:
    """The columns of a record that is about to be created, as its create rule sees them.

    A missing id is a placeholder, and ``verified`` is false whatever was submitted.

    Args:
        columns: what would be bound for them, from a caller who has it cheaper than by asking each field.
    """
    if columns is None:
        columns = {item.name: item.to_db(record[item.name]) for item in record.collection.fields}
    row = dict(columns)
    row["id"] = row.get("id") or record_id()
    if record.collection.is_auth:
        row["verified"] = 0
    return row


@dataclass(frozen=True, slots=True)
class _With:
    """The schema as it will be when a collection is saved."""

    schema: Schema
    collection: Collection

    @property
    def generation(self) -> int:
        return self.schema.generation

    def find(self, name_or_id: str) -> Collection | None:
        own = self.collection
        if name_or_id == own.id or name_or_id.lower() == own.name.lower():
            return own
        return self.schema.find(name_or_id)


def _virtual_source(dialect: Dialect, collection: Collection) -> Template:
    columns = [
        parameter(slots.VirtualColumn(item.name)) + f" AS {dialect.quote(item.name)}" for item in collection.fields
    ]
    return f"WITH {dialect.quote(_VIRTUAL)} AS (SELECT " + join(", ", columns) + ") "


def _read_filter(
    text: str, sort: str, access: Access, context: RequestContext
) -> tuple[Group | None, str, tuple[str | float, ...]]:
    if access is Access.CLIENT and not context.is_superuser:
        for word in _FORBIDDEN:
            if word in text or word in sort:
                raise ForbiddenFilter(f"Only superusers can filter by {word.removesuffix('.')}.")
    if not text:
        return None, "", ()
    if access is not Access.CODE and len(text.encode("utf-8", "replace")) > MAX_CLIENT_FILTER:
        raise FilterError(f"the filter is longer than {MAX_CLIENT_FILTER} bytes")
    return (_kept if len(text) <= MAX_KEPT_FILTER else _parsed)(text, access is Access.CODE)


def _parsed(text: str, placeholders: bool) -> tuple[Group, str, tuple[str | float, ...]]:
    tree = parse(text, placeholders=placeholders)
    literals: list[str | float] = []
    _collect(tree, literals)
    return tree, to_shape(tree), tuple(literals)


_kept = lru_cache(maxsize=512)(_parsed)


def _collect(tree: Group, literals: list[str | float]) -> None:
    """The literals outside of functions, in the order in which they are compiled."""
    for term in tree.terms:
        if isinstance(term, Comparison):
            literals += [item.value for item in (term.left, term.right) if isinstance(item, (Number, Text))]
        else:
            _collect(term, literals)
