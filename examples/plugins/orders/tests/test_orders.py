"""Orders as the clients of a shop meet them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence

import pbhost_orders
import pytest
from pbhost_orders.audit import differences
from pbhost_orders.schema import ensure_collections

from pbhost import BadRequestError, hookimpl
from pbhost.hooks.events import RecordEvent
from pbhost.testing import Client, Running

PRODUCTS = "/api/collections/products/records"
ORDERS = "/api/collections/orders/records"
LEDGER = "/api/collections/stock_ledger/records"


class Saboteur:
    """Another plugin, whose hook refuses to book a certain product."""

    def __init__(self) -> None:
        self.product = ""

    @hookimpl(collections=["stock_ledger"])
    def on_record_create(self, event: RecordEvent) -> None:
        if event.record.text("product") == self.product:
            raise BadRequestError("Not this one.")


@pytest.fixture
def saboteur() -> Saboteur:
    return Saboteur()


@pytest.fixture
def pbhost_plugins(saboteur: Saboteur) -> Sequence[object]:
    return pbhost_orders.plugin, saboteur


@pytest.fixture
async def shop(superuser: Client) -> AsyncIterator[Client]:
    """The shop keeper; whatever a test does, the books are right at its end."""
    yield superuser
    assert await differences(superuser.running.app) == []


async def product(shop: Client, name: str, *, price: int = 100, stock: int = 0) -> str:
    made = await shop.post(PRODUCTS, {"name": name, "price": price})
    assert made.status == 200, made.body
    if stock:
        entry = {"product": made["id"], "change": stock, "reason": "delivery"}
        assert (await shop.post(LEDGER, entry)).status == 200
    return str(made["id"])


async def stock_of(shop: Client, name: str) -> int:
    return int(str((await shop.get(f"{PRODUCTS}/{name}"))["stock"]))


def order(customer: Client, **quantities: int) -> dict[str, object]:
    assert customer.record is not None
    lines = [{"product": name, "quantity": quantity} for name, quantity in quantities.items()]
    return {"customer": customer.record.id, "lines": lines}


async def customers(running: Running, count: int) -> list[Client]:
    out = []
    for index in range(count):
        record, token = await running.user(f"customer{index}@example.com")
        out.append(Client(running, token, record))
    return out


async def test_an_order_is_priced_by_the_server_and_takes_the_goods(shop: Client, user: Client) -> None:
    chair = await product(shop, "Chair", price=4999, stock=10)
    table = await product(shop, "Table", price=19900, stock=2)
    made = await user.post(ORDERS, {**order(user, **{chair: 4, table: 1}), "total": 1, "status": "shipped"})
    assert made.status == 200, made.body
    assert (made["total"], made["status"]) == (4 * 4999 + 19900, "placed")
    assert made["lines"] == [
        {"product": chair, "quantity": 4, "price": 4999},
        {"product": table, "quantity": 1, "price": 19900},
    ]
    assert (await stock_of(shop, chair), await stock_of(shop, table)) == (6, 1)
    entries = await shop.get(f"{LEDGER}?filter=(order='{made['id']}')&sort=change")
    for index, entry in enumerate([(-4, 6, "order"), (-1, 1, "order")]):
        assert tuple(entries.at("items", index, key) for key in ("change", "balance", "reason")) == entry


async def test_an_order_that_cannot_be_served_changes_nothing_and_says_which_line(shop: Client, user: Client) -> None:
    chair, table = await product(shop, "Chair", stock=10), await product(shop, "Table", stock=2)
    refused = await user.post(ORDERS, order(user, **{chair: 1, table: 3}))
    assert refused.status == 400
    assert refused.body == {
        "status": 400,
        "message": "Failed to create record.",
        "data": {
            "lines": {
                "1": {
                    "quantity": {
                        "code": "orders_out_of_stock",
                        "message": "Only 2 of 'Table' left.",
                        "params": {"left": 2, "product": table},
                    }
                }
            }
        },
    }
    assert (await stock_of(shop, chair), await stock_of(shop, table)) == (10, 2)
    assert (await shop.get(ORDERS))["totalItems"] == 0


async def test_a_booking_that_fails_halfway_takes_everything_back(
    shop: Client, user: Client, saboteur: Saboteur
) -> None:
    chair, table = await product(shop, "Chair", stock=10), await product(shop, "Table", stock=2)
    saboteur.product = table
    assert (await user.post(ORDERS, order(user, **{chair: 1, table: 1}))).status == 400
    assert (await shop.get(ORDERS))["totalItems"] == 0
    assert (await shop.get(LEDGER))["totalItems"] == 2
    assert await stock_of(shop, chair) == 10


async def test_the_last_pieces_go_to_as_many_customers_as_there_are_pieces(shop: Client) -> None:
    chair = await product(shop, "Chair", stock=7)
    buyers = await customers(shop.running, 20)
    answers = await asyncio.gather(*(buyer.post(ORDERS, order(buyer, **{chair: 1})) for buyer in buyers))
    assert sorted(answer.status for answer in answers) == [200] * 7 + [400] * 13
    assert await stock_of(shop, chair) == 0
    assert (await shop.get(ORDERS))["totalItems"] == 7


async def test_the_books_are_right_after_a_busy_hour(shop: Client) -> None:
    names = [await product(shop, f"Product {index}", stock=12) for index in range(4)]
    buyers = await customers(shop.running, 6)

    async def shopping(buyer: Client, chance: random.Random) -> None:
        for _ in range(12):
            wanted = {name: chance.randint(1, 3) for name in chance.sample(names, 2)}
            made = await buyer.post(ORDERS, order(buyer, **wanted))
            assert made.status in (200, 400), made.body
            if made.status == 200 and chance.random() < 0.6:
                cancelled = await buyer.patch(f"{ORDERS}/{made['id']}", {"status": "cancelled"})
                assert cancelled.status == 200, cancelled.body

    await asyncio.gather(*(shopping(buyer, random.Random(index)) for index, buyer in enumerate(buyers)))
    open_orders = await shop.running.app.records.find_many("orders", "status = 'placed'")
    held = dict.fromkeys(names, 0)
    for one in open_orders:
        for line in pbhost_orders.rules.lines_of(one):
            held[line.product] += line.quantity
    for name in names:
        assert await stock_of(shop, name) + held[name] == 12


async def test_a_cancelled_order_gives_the_goods_back_once(shop: Client, user: Client) -> None:
    chair = await product(shop, "Chair", stock=5)
    made = await user.post(ORDERS, order(user, **{chair: 5}))
    path = f"{ORDERS}/{made['id']}"
    answers = await asyncio.gather(*(user.patch(path, {"status": "cancelled"}) for _ in range(4)))
    assert [answer.status for answer in answers].count(200) >= 1
    assert await stock_of(shop, chair) == 5
    assert (await shop.get(f"{LEDGER}?filter=(reason='return')"))["totalItems"] == 1


async def test_an_order_goes_its_way(shop: Client, user: Client) -> None:
    chair = await product(shop, "Chair", stock=5)
    for path, expected in (
        (("paid", "shipped"), (200, 200)),
        (("paid", "cancelled"), (200, 200)),
        (("shipped",), (400,)),
        (("paid", "shipped", "cancelled"), (200, 200, 400)),
        (("cancelled", "placed"), (200, 400)),
    ):
        made = await user.post(ORDERS, order(user, **{chair: 1}))
        answers = [await shop.patch(f"{ORDERS}/{made['id']}", {"status": status}) for status in path]
        assert tuple(answer.status for answer in answers) == expected, path


async def test_what_was_ordered_is_fixed_also_for_superusers(shop: Client, user: Client) -> None:
    chair = await product(shop, "Chair", stock=5)
    made = await user.post(ORDERS, order(user, **{chair: 1}))
    changes: dict[str, object] = {"lines": [], "total": 1, "customer": ""}
    for name, value in changes.items():
        answer = await shop.patch(f"{ORDERS}/{made['id']}", {name: value})
        assert (answer.status, answer.at("data", name, "code")) == (400, "orders_fixed")


async def test_lines_that_make_no_sense_are_refused_by_line(shop: Client, user: Client) -> None:
    chair = await product(shop, "Chair", stock=5)
    cases: list[tuple[object, tuple[str, ...], str]] = [
        ([], (), "validation_required"),
        ({}, (), "validation_required"),
        (None, (), "validation_required"),
        ("chair", (), "orders_invalid_lines"),
        ([1], (), "orders_invalid_lines"),
        ([{}], ("0", "quantity"), "orders_invalid_quantity"),
        ([{"product": "nothing", "quantity": 1}], ("0", "product"), "orders_unknown_product"),
        ([{"product": 7, "quantity": 1}], ("0", "product"), "orders_unknown_product"),
        ([{"product": chair, "quantity": 0}], ("0", "quantity"), "orders_invalid_quantity"),
        ([{"product": chair, "quantity": 1.5}], ("0", "quantity"), "orders_invalid_quantity"),
        ([{"product": chair, "quantity": True}], ("0", "quantity"), "orders_invalid_quantity"),
        ([{"product": chair, "quantity": 10**9}], ("0", "quantity"), "orders_invalid_quantity"),
        ([{"product": chair, "quantity": 1}] * 2, ("1", "product"), "orders_repeated_product"),
        ([{"product": chair, "quantity": 1}] * 51, (), "orders_too_many_lines"),
    ]
    for lines, where, code in cases:
        answer = await user.post(ORDERS, {**order(user), "lines": lines})
        assert (answer.status, answer.at("data", "lines", *where, "code")) == (400, code), lines
    assert await stock_of(shop, chair) == 5


async def test_stock_moves_by_the_ledger_only(shop: Client) -> None:
    chair = await product(shop, "Chair", stock=5)
    for answer in (
        await shop.patch(f"{PRODUCTS}/{chair}", {"stock": 50}),
        await shop.patch(f"{PRODUCTS}/{chair}", {"stock+": 1}),
        await shop.post(PRODUCTS, {"name": "Lamp", "stock": 3}),
    ):
        assert answer.status == 400
        assert answer.at("data", "stock", "code") == "orders_stock_not_booked"
    renamed = await shop.patch(f"{PRODUCTS}/{chair}", {"name": "Armchair"})
    assert (renamed.status, renamed["stock"]) == (200, 5)
    lost = await shop.post(LEDGER, {"product": chair, "change": -6, "reason": "correction"})
    assert lost.at("data", "change", "code") == "orders_out_of_stock"
    forged = await shop.post(LEDGER, {"product": chair, "change": -1, "reason": "order"})
    assert forged.at("data", "reason", "code") == "orders_reserved_reason"
    assert (await shop.post(LEDGER, {"product": chair, "change": -2, "reason": "correction"}))["balance"] == 3


async def test_what_is_booked_stays(shop: Client, user: Client) -> None:
    chair = await product(shop, "Chair", stock=5)
    made = await user.post(ORDERS, order(user, **{chair: 1}))
    entry = (await shop.get(LEDGER)).at("items", 0, "id")
    assert (await shop.patch(f"{LEDGER}/{entry}", {"change": 9})).status == 403
    assert (await shop.delete(f"{LEDGER}/{entry}")).status == 403
    assert (await shop.delete(f"{ORDERS}/{made['id']}")).status == 403
    assert (await shop.delete(f"{PRODUCTS}/{chair}")).status == 400


async def test_customers_see_and_cancel_their_own_orders_only(shop: Client) -> None:
    chair = await product(shop, "Chair", stock=5)
    ann, bob = await customers(shop.running, 2)
    made = await ann.post(ORDERS, order(ann, **{chair: 1}))
    path = f"{ORDERS}/{made['id']}"
    assert (await bob.get(path)).status == 404
    assert (await bob.patch(path, {"status": "cancelled"})).status == 404
    assert (await bob.post(ORDERS, order(ann, **{chair: 1}))).status == 400
    assert (await ann.patch(path, {"status": "paid"})).status == 404
    assert (await ann.post(LEDGER, {"product": chair, "change": 1, "reason": "delivery"})).status == 403
    await shop.patch(path, {"status": "paid"})
    assert (await ann.patch(path, {"status": "cancelled"})).status == 404
    assert (await Client(shop.running).get(PRODUCTS))["totalItems"] == 1


async def test_a_retried_order_is_placed_once(shop: Client, user: Client) -> None:
    chair = await product(shop, "Chair", stock=5)
    body = {**order(user, **{chair: 1}), "id": "order0000000001"}
    answers = [await user.post(ORDERS, body) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 400]
    assert await stock_of(shop, chair) == 4


async def test_a_second_start_finds_its_collections(shop: Client) -> None:
    app = shop.running.app
    before = [app.collections.get(name).id for name in ("products", "orders", "stock_ledger")]
    await ensure_collections(app, "users")
    assert [app.collections.get(name).id for name in ("products", "orders", "stock_ledger")] == before
