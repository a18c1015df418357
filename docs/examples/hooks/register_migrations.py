"""A table of the plugin's own, made once, in the transaction of the start."""

from pbhost import hookimpl
from pbhost.database import Migration


def up(transaction):
    transaction.execute("CREATE TABLE _blog_visits (post TEXT NOT NULL, day TEXT NOT NULL, n INTEGER NOT NULL)")


def down(transaction):
    transaction.execute("DROP TABLE _blog_visits")


@hookimpl
def register_migrations(app):
    return [Migration("0001_visits", up, down)]
