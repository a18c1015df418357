"""The parts of the records service, wired together once per application."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pbhost.model import Collection
from pbhost.services import FilterFunction

from ..filter import QueryPlanner
from .answers import Answers
from .chains import Chains
from .codec import Codecs
from .cursor import Cursors
from .deleting import Deleting
from .lifecycle import Lifecycles
from .queries import Queries
from .repeatable import Repeatable
from .saving import Saving
from .sizes import Sizes
from .tables import PlainTables
from .totals import Totals

if TYPE_CHECKING:
    from pbhost.app import App


class Core:
    """Everything that reads and writes records synchronously, in the thread of a connection.

    Attributes:
        app: the application; codecs, lifecycles, chains: what is known of each collection.
        queries: look-ups under rules; tables: the same for plain tables.
        answers: rows as a caller sees them; totals: counts of lists; cursors: where their pages end; sizes: how large
            tables are.
        saving, deleting: writes.
    """

    def __init__(self, app: App) -> None:
        dialect = app.db.dialect
        functions = cast("list[FilterFunction]", app.collect("register_filter_functions"))
        self.app = app
        self.codecs = Codecs(dialect)
        self.lifecycles = Lifecycles(dialect)
        self.chains = Chains(app)
        planner = QueryPlanner(app.collections, dialect, functions)
        self.queries = Queries(app, self.codecs, planner)
        self.tables = PlainTables(planner)
        self.answers = Answers(app, self.codecs, self.queries, self.chains)
        self.sizes = Sizes()
        self.repeatable = Repeatable(app)
        self.totals = Totals(app, self.sizes, self.repeatable)
        self.cursors = Cursors(app)
        self.saving = Saving(app, self.codecs, self.lifecycles, self.chains)
        self.deleting = Deleting(app, self.codecs, self.lifecycles, self.chains, self.saving)

    def collection(self, collection: Collection | str) -> Collection:
        """A collection from its name, id or itself.

        Raises:
            NotFoundError: no such collection.
        """
        return self.app.collections.get(collection) if isinstance(collection, str) else collection
