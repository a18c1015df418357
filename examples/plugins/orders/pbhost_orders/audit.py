"""The invariant, asked of the database: stock is the sum of the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from pbhost import App
from pbhost.database import Connection
from pbhost_orders.schema import LEDGER, PRODUCTS


@dataclass(frozen=True, slots=True)
class Difference:
    """A product whose stock is not what was booked."""

    product: str
    stock: int
    booked: int


async def differences(app: App) -> list[Difference]:
    """The products whose stock is not the sum of their entries; none unless somebody wrote past pbhost."""

    def read(connection: Connection) -> list[Difference]:
        quote = connection.dialect.quote
        sql = (
            f"SELECT p.id, p.stock, COALESCE(SUM(l.{quote('change')}), 0) FROM {quote(PRODUCTS)} p "
            f"LEFT JOIN {quote(LEDGER)} l ON l.product = p.id GROUP BY p.id, p.stock "
            f"HAVING p.stock <> COALESCE(SUM(l.{quote('change')}), 0) ORDER BY p.id"
        )
        rows = connection.fetch_all(sql)
        return [Difference(str(name), int(stock or 0), int(booked or 0)) for name, stock, booked in rows]

    return await app.db.read(read, lane="list")
