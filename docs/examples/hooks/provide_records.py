"""Counts what code reads through ``app.records``."""

from collections import Counter

from pbhost import hookimpl


class Counting:
    def __init__(self, records):
        self._records = records
        self.calls = Counter()

    def __getattr__(self, name):
        self.calls[name] += 1
        return getattr(self._records, name)


class Plugin:
    @hookimpl
    def provide_records(self, app):
        return Counting(app.inherited("records", by=self))


plugin = Plugin()
