"""Where joined rows are looked up: joined to the query, or in a sub-select of the condition that reads them.

Every row of the query stands for "there is a row of each join such that the conditions hold". Where only one condition
reads a join, "there is" moves into that condition: the query then has no row twice, so it needs no DISTINCT to be read
or counted. Conditions that read rows of the same join move together, for they speak of the same row; alternatives may
each have a row of their own.

A sub-select has one of two forms. The one looks rows up for each row of the query; that is best when few rows are
looked at. The other ("by sets") goes through the other table once and keeps what fits; that is best for most rows of a
large collection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from pbhost.database import Dialect

from .condition import All, Any, Atom, Condition, aliases_of, flat, rejects
from .links import BASE, Joined, Joins, Referrers
from .template import ALWAYS, Template, all_of, any_of, enclosed, join


@dataclass(frozen=True, slots=True)
class Placed:
    """Conditions with the joins that are left to the query.

    Attributes:
        where: the conditions, None for all rows.
        joins: what is joined to the query; multiplies: whether it may give several rows for one.
        scanned: the tables that sub-selects go through as a whole.
    """

    where: Template | None
    joins: Template
    multiplies: bool
    scanned: frozenset[str]


def place(
    conditions: Sequence[Condition],
    joins: Joins,
    *,
    kept: Iterable[str],
    is_view: Callable[[str], bool],
    by_sets: bool,
) -> Placed:
    """Chooses for each join of a query where its rows are looked up.

    Args:
        joins: all joins.
        kept: aliases that the query itself reads, to sort by.
        is_view: whether a collection is a view; those are not looked up one by one.
        by_sets: whether most rows will be gone through.
    """
    placing = _Placing(joins, {one.alias for one in joins.of(set(kept))}, is_view, by_sets)
    where = enclosed(all_of(placing.all(conditions, whole_chains=by_sets)))
    outer = joins.of(placing.outer)
    return Placed(
        where=None if where == ALWAYS else where,
        joins=join("", [one.sql for one in outer]),
        multiplies=any(one.link.multiplies for one in outer),
        scanned=frozenset(placing.scanned),
    )


@dataclass(slots=True)
class _Placing:
    """One choice on its way; ``outer`` and ``scanned`` are what it came to."""

    joins: Joins
    kept: set[str]
    is_view: Callable[[str], bool]
    by_sets: bool
    outer: set[str] = field(init=False)
    scanned: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.outer = set(self.kept)

    @property
    def dialect(self) -> Dialect:
        return self.joins.dialect

    def all(self, conditions: Iterable[Condition], *, whole_chains: bool) -> list[Template]:
        """Conditions that must hold together.

        Args:
            whole_chains: joins that give one row at most are moved, too.
        """
        return [
            template
            for together, roots in self._together(flat(conditions), whole_chains)
            for template in self._moved(together, roots, whole_chains)
        ]

    def _moved(self, together: list[Condition], roots: frozenset[str], whole_chains: bool) -> list[Template]:
        """Conditions that share rows of the joins below some roots."""
        first = together[0]
        if len(together) == 1 and isinstance(first, Any):
            parts = [enclosed(all_of(self.all([part], whole_chains=whole_chains))) for part in first.parts]
            return [enclosed(any_of(parts))]
        if not roots:
            return [self._sql(condition, frozenset()) for condition in together]
        if len(together) == 1 and isinstance(first, Atom) and first.implied:
            return []
        below = self._below(together, roots)
        moved = self._by_sets(together, below) if whole_chains else self._row_by_row(together, below)
        if moved is not None:
            return [moved]
        if whole_chains:
            return self.all(together, whole_chains=False)
        return [self._sql(condition, frozenset()) for condition in together]

    # -- what belongs together ---------------------------------------------------------------------------------------

    def _together(
        self, conditions: Sequence[Condition], whole_chains: bool
    ) -> list[tuple[list[Condition], frozenset[str]]]:
        """Groups of conditions that share no rows, each with the first aliases of what it could move."""
        groups: list[tuple[list[Condition], frozenset[str]]] = []
        for condition in conditions:
            roots = self._roots(condition, whole_chains)
            own: list[Condition] = []
            apart = []
            for group in groups:
                if group[1] & roots:
                    own += group[0]
                    roots |= group[1]
                else:
                    apart.append(group)
            groups = [*apart, ([*own, condition], roots)]
        return groups

    def _roots(self, condition: Condition, whole_chains: bool) -> frozenset[str]:
        found = (self._root(alias, whole_chains) for alias in aliases_of(condition))
        return frozenset(alias for alias in found if alias)

    def _root(self, alias: str, whole_chains: bool) -> str:
        """The first alias on the way to one that can be moved with all that follows; "" if there is none."""
        chain = [one for one in self.joins.chain(alias) if one.alias not in self.kept]
        for index, one in enumerate(chain):
            if one.link.multiplies or whole_chains:
                rest = chain[index:]
                return "" if any(one.link.table and self.is_view(one.link.table) for one in rest) else one.alias
        return ""

    def _below(self, conditions: Sequence[Condition], roots: frozenset[str]) -> list[Joined]:
        """The joins from the roots on that conditions read."""
        needed = {alias for condition in conditions for alias in aliases_of(condition)}
        return [
            one for one in self.joins.of(needed) if any(other.alias in roots for other in self.joins.chain(one.alias))
        ]

    # -- row by row --------------------------------------------------------------------------------------------------

    def _row_by_row(self, conditions: Sequence[Condition], below: Sequence[Joined]) -> Template | None:
        """A sub-select that joins as the query would; None where the query does better itself."""
        if any(isinstance(one.link, Referrers) for one in below):
            # The database may go from the referring rows to those they refer to, or make an index for the join.
            return None
        anew = [one.link.starts_anew for one in below]
        moved = frozenset(one.alias for one in below)
        if any(anew) and any(aliases_of(condition) - moved for condition in conditions):
            return None
        self._leave(below, moved)
        rows = join("", [one.sql for one in below])
        return "EXISTS (SELECT 1 FROM (SELECT 1) one" + rows + " WHERE " + self._each(conditions, moved) + ")"

    def _each(self, conditions: Sequence[Condition], moved: frozenset[str]) -> Template:
        return all_of([self._sql(condition, moved) for condition in conditions])

    def _leave(self, below: Sequence[Joined], moved: frozenset[str]) -> None:
        """Leaves to the query what the moved joins start from."""
        self.outer |= {one.before for one in below if not one.link.starts_anew} - moved - {BASE}

    # -- by sets -----------------------------------------------------------------------------------------------------

    def _by_sets(self, conditions: Sequence[Condition], below: Sequence[Joined]) -> Template | None:
        """Nested sub-selects that do not depend on the current row; None if there are none."""
        roots = [one for one in below if one.before not in {other.alias for other in below}]
        if len(roots) != 1:
            return None
        if roots[0].link.starts_anew:
            return self._of_all_rows(conditions, below)
        own: dict[str, list[Condition]] = {one.alias: [] for one in below}
        for condition in conditions:
            aliases = aliases_of(condition)
            if len(aliases) != 1 or not aliases <= own.keys():
                return None
            own[min(aliases)].append(condition)
        parents = {one.before for one in below}
        if not all(one.alias in parents or any(map(rejects, own[one.alias])) for one in below):
            return None
        self._leave(below, frozenset(own))
        self.scanned |= {one.link.table for one in below if one.link.table}
        inner: dict[str, list[Template]] = {
            alias: [self._sql(condition, frozenset(own)) for condition in some] for alias, some in own.items()
        }
        for one in reversed(below):
            some = one.link.some(self.dialect, one.before, one.alias, all_of(inner[one.alias]))
            inner.setdefault(one.before, []).append(some)
        return inner[roots[0].before][0]

    def _of_all_rows(self, conditions: Sequence[Condition], below: Sequence[Joined]) -> Template | None:
        """A sub-select over rows that do not depend on the current one, but that may equal something of it."""
        moved = frozenset(one.alias for one in below)
        inside: list[Condition] = []
        pairs: list[tuple[Template, Template]] = []
        outer: set[str] = set()
        for condition in conditions:
            if aliases_of(condition) <= moved:
                inside.append(condition)
            elif isinstance(condition, Atom) and (pair := _pair(condition, moved)) is not None:
                pairs.append(pair)
                outer |= condition.aliases - moved - {BASE}
            else:
                return None
        self.outer |= outer
        self.scanned |= {one.link.table for one in below if one.link.table}
        rows = "(SELECT 1) one" + join("", [one.sql for one in below])
        if inside:
            rows = rows + " WHERE " + self._each(inside, moved)
        if not pairs:
            return "EXISTS (SELECT 1 FROM " + rows + ")"
        mine, theirs = (join(", ", side) for side in zip(*pairs, strict=True))
        if len(pairs) > 1:
            mine = "(" + mine + ")"
        return mine + " IN (SELECT " + theirs + " FROM " + rows + ")"

    # -- text --------------------------------------------------------------------------------------------------------

    def _sql(self, condition: Condition, moved: frozenset[str]) -> Template:
        """A condition as it stands, except that what it reads and was not moved is left to the query."""
        match condition:
            case Atom():
                self.outer |= condition.aliases - moved - {BASE}
                if self.by_sets and condition.by_sets is not None:
                    self.scanned |= condition.scanned
                    return condition.by_sets
                return condition.sql
            case All(parts):
                return enclosed(all_of([self._sql(part, moved) for part in parts]))
            case Any(parts):
                return enclosed(any_of([self._sql(part, moved) for part in parts]))


def _pair(atom: Atom, moved: frozenset[str]) -> tuple[Template, Template] | None:
    """The sides of an equality between the current row and moved rows, the former first."""
    if atom.equal is None:
        return None
    (left, left_aliases), (right, right_aliases) = atom.equal
    if left_aliases and left_aliases <= moved and not right_aliases & moved:
        return right, left
    if right_aliases and right_aliases <= moved and not left_aliases & moved:
        return left, right
    return None
