"""How SQLite spells what the kernel's `Dialect` leaves open (contract: records §8.3, §8.4, operations §4.2)."""

from __future__ import annotations

import re
from functools import lru_cache

from builtin_sqlite.driver_errors import translate
from pbhost.database import Sql, SqlValue
from pbhost.errors import DatabaseError
from pbhost.model.field import StorageKind

_COLUMN_TYPES: dict[StorageKind, str] = {
    "text": "TEXT DEFAULT '' NOT NULL",
    "number": "NUMERIC DEFAULT 0 NOT NULL",
    "bool": "BOOLEAN DEFAULT FALSE NOT NULL",
    "list": "JSON DEFAULT '[]' NOT NULL",
    "json": "JSON DEFAULT NULL",
    "geo": """JSON DEFAULT '{"lon":0,"lat":0}' NOT NULL""",
}
_PRIMARY_KEY = "TEXT PRIMARY KEY DEFAULT ('r'||lower(hex(randomblob(7)))) NOT NULL"


def _is_array(expression: str) -> str:
    # iif() keeps json_type() away from text that is no JSON, which would be an error.
    return f"iif(json_valid({expression}), json_type({expression})='array', FALSE)"


#: What differs from call to call. The time functions take the current moment when they are given none.
#: Source: https://www.sqlite.org/lang_datefunc.html
_VARYING = re.compile(
    r"""\brandom(blob)?\s*\( | \bcurrent_(time|date|timestamp)\b | (changes|last_insert_rowid)\s*\(
    | ['"`\[] \s* (now|subsec|subsecond) \s* ['"`\]]
    | \b(date|time|datetime|julianday|unixepoch)\s*\(\s*\) | \bstrftime\s*\(\s*('[^']*'|[^,()']*)\s*\)""",
    re.IGNORECASE | re.VERBOSE,
)
_TAKES_MOMENTS = re.compile(r"\b(strftime|date|time|datetime|julianday|unixepoch|timediff)\s*\(", re.IGNORECASE)


@lru_cache(maxsize=512)
def _is_fixed(text: str) -> bool:
    return _VARYING.search(text) is None


@lru_cache(maxsize=512)
def _takes_moments(text: str) -> bool:
    return _TAKES_MOMENTS.search(text) is not None


def _is_now(value: SqlValue) -> bool:
    return isinstance(value, str) and value.strip().lower() in ("now", "subsec", "subsecond")


class SqliteDialect:
    """Provides :class:`pbhost.database.Dialect`."""

    name = "sqlite"

    def quote(self, identifier: str) -> str:
        """An identifier in backticks, as the files on disk have it. NUL would end the statement: it is dropped."""
        return "`" + identifier.replace("\0", "").replace("`", "``") + "`"

    def qualified(self, table: str) -> str:
        return f"main.{self.quote(table)}"

    def column_type(self, kind: StorageKind, *, primary_key: bool = False) -> str:
        return _PRIMARY_KEY if primary_key else _COLUMN_TYPES[kind]

    def json_extract(self, expression: str, path: str) -> str:
        wanted = _literal("$" + path)
        # Text that is no JSON is wrapped first, so that a plain word can be read as itself instead of failing.
        boxed = _literal("$.pb" + path)
        return (
            f"(CASE WHEN json_valid({expression}) THEN json_extract({expression}, {wanted}) "
            f"ELSE json_extract(json_object('pb', {expression}), {boxed}) END)"
        )

    def json_each(self, expression: str) -> str:
        return f"json_each(CASE WHEN {_is_array(expression)} THEN {expression} ELSE json_array({expression}) END)"

    def list_items(self, expression: str) -> str:
        # json_valid() would read the text once more than json_each() does anyway.
        is_list = f"{expression} GLOB '[[]*' OR {_is_array(expression)}"
        return f"json_each(CASE WHEN {is_list} THEN {expression} ELSE json_array({expression}) END)"

    def json_length(self, expression: str) -> str:
        return (
            f"json_array_length(CASE WHEN {_is_array(expression)} THEN {expression} ELSE "
            f"CASE WHEN {expression} = '' OR {expression} IS NULL THEN json_array() "
            f"ELSE json_array({expression}) END END)"
        )

    def like(self, left: str, right: str, *, negated: bool = False) -> str:
        return f"{left} {'NOT LIKE' if negated else 'LIKE'} {right} ESCAPE '\\'"

    def contains_pattern(self, expression: str) -> str:
        return f"('%' || {expression} || '%')"

    def lower(self, expression: str) -> str:
        return f"LOWER({expression})"

    def collated_equal(self, left: str, right: str, collation: str) -> str:
        return f"{left} = {right} COLLATE {self.quote(collation)}"

    def is_same(self, left: str, right: str, *, negated: bool = False) -> str:
        return f"{left} {'IS NOT' if negated else 'IS'} {right}"

    def strftime(self, arguments: list[str]) -> str:
        return f"strftime({', '.join(arguments)})"

    def geo_distance(self, lon_a: str, lat_a: str, lon_b: str, lat_b: str) -> str:
        # SQLite's acos() is NULL outside of [-1, 1], which two equal points can reach by rounding.
        return (
            f"(6371 * acos(cos(radians({lat_a})) * cos(radians({lat_b})) * cos(radians({lon_b}) - radians({lon_a})) "
            f"+ sin(radians({lat_a})) * sin(radians({lat_b}))))"
        )

    def random(self) -> str:
        return "RANDOM()"

    def is_repeatable(self, sql: Sql) -> bool:
        if not _is_fixed(sql.text):
            return False
        return not (_takes_moments(sql.text) and any(_is_now(value) for value in sql.params))

    def row_number(self, alias: str) -> str:
        # Not `rowid`: a field may have that name, none may start with an underscore.
        return f"{alias}._rowid_"

    def upsert(self, table: str, columns: list[str], key: list[str]) -> str:
        names = ", ".join(map(self.quote, columns))
        marks = ", ".join("?" * len(columns))
        changed = [column for column in columns if column not in key]
        sets = ", ".join(f"{self.quote(column)} = excluded.{self.quote(column)}" for column in changed)
        action = f"UPDATE SET {sets}" if changed else "NOTHING"
        conflict = ", ".join(map(self.quote, key))
        return f"INSERT INTO {self.quote(table)} ({names}) VALUES ({marks}) ON CONFLICT ({conflict}) DO {action}"

    def schema_objects(self) -> str:
        return "SELECT type, name, tbl_name, COALESCE(sql, '') FROM sqlite_master WHERE type <> 'trigger'"

    def columns_of(self) -> str:
        return "SELECT name, type FROM pragma_table_info(?) ORDER BY cid"

    def to_multiple(self, expression: str) -> str:
        return (
            f"(CASE WHEN COALESCE({expression}, '') = '' THEN '[]' WHEN {_is_array(expression)} THEN {expression} "
            f"ELSE json_array({expression}) END)"
        )

    def to_single(self, expression: str) -> str:
        return (
            f"(CASE WHEN COALESCE({expression}, '[]') = '[]' THEN '' WHEN {_is_array(expression)} "
            f"THEN COALESCE(json_extract({expression}, '$[#-1]'), '') ELSE {expression} END)"
        )

    def optimize(self) -> tuple[str, ...]:
        # What was learnt of a table with a single row is forgotten again: until the next time, which may be a day and a
        # hundred thousand rows later, no index would seem worth its while. Without statistics a table counts as large.
        load = "ANALYZE sqlite_schema"  # makes sqlite_stat1 if there is none, and lets the connection read it again
        return ("PRAGMA optimize", load, "DELETE FROM sqlite_stat1 WHERE stat = '1' OR stat LIKE '1 %'", load)

    def translate_error(self, error: Exception) -> DatabaseError:
        return translate(error)


def _literal(text: str) -> str:
    """A string literal; for paths that the compiler made, never for values."""
    return "'" + text.replace("\0", "").replace("'", "''") + "'"
