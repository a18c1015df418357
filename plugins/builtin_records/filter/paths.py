"""Field paths to SQL: columns, JSON paths, relations, back-relations, modifiers (records.md 8.4, 8.5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from pbhost.database import Dialect
from pbhost.model import Collection, Field

from .errors import FilterError
from .links import Items, Joins, Link, Referrers, RowById, column
from .schema import Access, Row, Schema, has_unique_index, relation_target
from .template import Template
from .value import NULL, Many, Nature, Value

MAX_HOPS = 6
MODIFIERS = frozenset(("isset", "changed", "length", "each", "lower"))

#: Called for each collection that a client's path joins, with its alias.
RequireListRule: TypeAlias = Callable[[Collection, str], None]

_NOT_WORD = re.compile(r"\W", re.ASCII)
_INDEX = re.compile(r"[0-9]{1,9}")
_LAST_VIA = re.compile(r"(.+)_via_(.+)")


@dataclass(slots=True)
class Step:
    """Where a path has come to.

    Attributes:
        collection: the collection of the row reached.
        links: how it is reached from the base row; the collection is None for links that need no list rule.
        many: whether the path may have reached several rows.
        reads: conditions under which the caller may read the fields of the base row that the path names.
        missing_is_null: a name that does not exist gives NULL instead of an error.
    """

    collection: Collection
    links: list[tuple[Link, Collection | None]] = field(default_factory=list)
    many: bool = False
    missing_is_null: bool = False
    reads: dict[str, Template] = field(default_factory=dict)

    def through(self, link: Link, collection: Collection | None = None, *, many: bool = False) -> None:
        """One join further."""
        self.links.append((link, collection))
        self.many = self.many or many


@dataclass(slots=True)
class Paths:
    """Resolves the paths of one expression and joins what they need.

    Attributes:
        row: where paths start.
        joins: the joins of the query, shared with its other expressions.
        readable: the condition that the base row fulfils a read rule.
        require_list_rule: told of every collection that a restricted path joins.
    """

    row: Row
    schema: Schema
    dialect: Dialect
    joins: Joins
    require_list_rule: RequireListRule
    readable: Callable[[Collection, str], Template]

    @property
    def is_restricted(self) -> bool:
        """Whether the expression is a client's."""
        return self.row.access is Access.CLIENT

    def resolve(self, path: str, start: Step | None = None) -> Value:
        """A path with an optional modifier, from the base row or from where ``start`` has come to.

        Raises:
            FilterError: a part of it does not exist or may not be used.
        """
        step = start or Step(self.row.collection)
        segments = path.split(".")
        hops = 0
        for index, segment in enumerate(segments[:-1]):
            found = step.collection.field(segment)
            if found is not None:
                self._allow(found, step)
                if found.kind in ("json", "geo"):
                    return self._json_value(step, found, segments[index + 1 :])
            hops += 1
            if hops > MAX_HOPS:
                raise FilterError(f"more than {MAX_HOPS} relations in {path[:100]!r}")
            if found is None:
                if not self._follow_back(step, segment):
                    return NULL
                continue
            target = relation_target(found, self.schema)
            if target is None:
                raise FilterError(f"{segment[:100]!r} is not a relation")
            if index == len(segments) - 2 and segments[-1] == "id" and not found.is_multiple:
                return self._column(step, found, "")
            self._follow(step, found, target)
        return self._last(step, *split_modifier(segments[-1]))

    # -- steps -------------------------------------------------------------------------------------------------------

    def _allow(self, found: Field, step: Step, *, is_behind: bool = False) -> None:
        """Refuses what a client may not read; what it may read of some rows only counts for those."""
        if not self.is_restricted:
            return
        if found.hidden:
            raise FilterError(f"the field {found.name!r} is hidden")
        rule = step.collection.read_rules.get(found.name, "")
        if rule == "":
            return
        # Behind a relation other rows than the one compared would take part; the rows of views cannot be told apart.
        if rule is None or is_behind or step.links or step.collection.is_view:
            raise FilterError(f"the field {found.name!r} cannot be read by everyone")
        step.reads[found.name] = self.readable(step.collection, rule)

    def _follow(self, step: Step, relation: Field, target: Collection) -> None:
        reference = relation.name
        if relation.is_multiple:
            step.through(Items(relation.name, multiplies=True), many=True)
            reference = "value"
        step.through(RowById(target.name, reference), target)
        step.collection = target

    def _follow_back(self, step: Step, segment: str) -> bool:
        """Goes on to the rows that refer to the one reached; False (only where that is fine) if none can."""
        found = _LAST_VIA.fullmatch(segment)
        referrer = self.schema.find(found[1]) if found else None
        reference = referrer.field(found[2]) if found and referrer else None
        target = relation_target(reference, self.schema) if reference is not None else None
        if referrer is None or reference is None or target is None or target.id != step.collection.id:
            if step.missing_is_null:
                return False
            raise FilterError(f"unknown field or back-relation {segment[:100]!r} of {step.collection.name!r}")
        self._allow(reference, Step(referrer), is_behind=True)
        if self.row.is_virtual and not step.links:
            raise FilterError(f"nothing can refer by {segment!r} to a record that is not stored yet")
        many = reference.is_multiple or not has_unique_index(referrer, reference)
        step.through(Referrers(referrer.name, reference.name, reference.is_multiple), referrer, many=many)
        step.collection = referrer
        return True

    # -- the end of a path -------------------------------------------------------------------------------------------

    def _last(self, step: Step, name: str, modifier: str) -> Value:
        found = step.collection.field(name)
        if found is None:
            if step.missing_is_null:
                return NULL
            raise FilterError(f"unknown field {name[:100]!r} of {step.collection.name!r}")
        self._allow(found, step)
        return self._column(step, found, modifier)

    def _column(self, step: Step, found: Field, modifier: str) -> Value:
        name = found.name
        counted = modifier == "length" and found.can_be_multiple
        if modifier == "each" and found.can_be_multiple:
            step.through(Items(name, multiplies=found.is_multiple), many=found.is_multiple)
            return self.value(step, lambda alias: column(self.dialect, alias, "value"))

        def spell(alias: str) -> str:
            text = column(self.dialect, alias, name)
            if found.kind == "json":
                text = self.dialect.json_extract(text, "")
            if modifier == "lower":
                return self.dialect.lower(text)
            if counted:
                return self.dialect.json_length(text)
            return text

        is_email = name == "email" and step.collection.is_auth
        has_text = found.kind == "text" or (found.kind == "list" and not found.is_multiple)
        return self.value(
            step,
            spell,
            strict=found.kind == "json",
            guard="emailVisibility" if is_email else "",
            is_text=has_text and modifier not in ("lower", "length"),
            # The length of what is missing is 0.
            vanishes=not counted,
        )

    def _json_value(self, step: Step, found: Field, segments: Sequence[str]) -> Value:
        path = "".join(map(_json_step, segments))
        return self.value(
            step, lambda alias: self.dialect.json_extract(column(self.dialect, alias, found.name), path), strict=True
        )

    def value(
        self,
        step: Step,
        spell: Callable[[str], str],
        *,
        strict: bool = False,
        nature: Nature = Nature.EXPRESSION,
        guard: str = "",
        is_text: bool = False,
        vanishes: bool = True,
    ) -> Value:
        """Joins a path and gives what ``spell`` makes of its last alias.

        Args:
            guard: a bool column of the row reached that must be true for a client's comparison to hold.
            is_text: what is spelled is the plain column of a text.
            vanishes: it is NULL where the row is missing.
        """
        links = [link for link, _ in step.links]
        if links and links[0].starts_anew and not step.many and not self.is_restricted:
            # One value for the whole query: selected once, so that an index on the other side can serve it.
            once = self._selected(links, spell)
            scalar = "(SELECT " + once.value + " FROM " + once.rows() + ")"
            return Value(sql=scalar, strict=strict, nature=nature, is_text=is_text)
        aliases = self.joins.follow(self.row.alias, links, self.row.space)
        alias = aliases[-1] if aliases else self.row.alias
        guards: tuple[Template, ...] = ()
        if self.is_restricted:
            for (_, collection), joined in zip(step.links, aliases, strict=True):
                if collection is not None:
                    self.require_list_rule(collection, joined)
            if guard:
                guards = (Template(f"{column(self.dialect, alias, guard)} = TRUE"),)
        return Value(
            sql=Template(spell(alias)),
            strict=strict,
            nature=nature,
            guards=guards,
            many=self._selected(links, spell) if step.many else None,
            reads=tuple(step.reads.values()),
            is_text=is_text,
            never_null=is_text and not links and self.row.is_stored,
            aliases=frozenset((alias,)),
            vanishes=vanishes,
        )

    def _selected(self, links: Sequence[Link], spell: Callable[[str], str]) -> Many:
        """The values of the path, selected independently of the joins outside."""
        start, joins = self.row.alias, Joins(self.dialect, prefix="m")
        source, where = "(SELECT 1) m0", None
        if self.row.collection.is_view and not links[0].starts_anew:
            # Rows of a view may share an id; then each sees the values of all of them.
            start, source = "m0", f"{self.row.source} m0"
            where = Template(f"{column(self.dialect, start, 'id')} = {column(self.dialect, self.row.alias, 'id')}")
        last = joins.follow(start, links)[-1]
        self.joins.tables |= joins.tables
        return Many(Template(spell(last)), self.row.alias, tuple(joins.joined.values()), source, where)


def split_modifier(segment: str) -> tuple[str, str]:
    """The name and the modifier of a last segment.

    Raises:
        FilterError: an unknown modifier, or more than one.
    """
    name, colon, modifier = segment.partition(":")
    if colon and modifier not in MODIFIERS:
        raise FilterError(f"unknown modifier {modifier[:100]!r}")
    return name, modifier


def _json_step(segment: str) -> str:
    name = _NOT_WORD.sub("", segment)
    if not name:
        raise FilterError("an empty JSON path segment")
    return f"[{int(name)}]" if _INDEX.fullmatch(name) else f".{name}"
