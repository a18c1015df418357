"""The field as a client of the API meets it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from urllib.parse import quote

import pbhost_money_field
import pytest
from pbhost_money_field import Money

from pbhost.testing import Client, OpenReader

GOODS = "/api/collections/goods/records"
PRICE = {"name": "price", "type": "money", "currencies": ["EUR", "USD", "JPY", "KWD"], "min": 0, "max": 1_000_000}


@pytest.fixture
def pbhost_plugins() -> Sequence[object]:
    return (pbhost_money_field.plugin,)


@pytest.fixture
async def goods(superuser: Client) -> Client:
    """A client that may write to a collection with a price and a balance."""
    fields = [{"name": "title", "type": "text"}, PRICE, {"name": "balance", "type": "money"}]
    body = {"name": "goods", "fields": fields, "listRule": "", "viewRule": ""}
    made = await superuser.post("/api/collections", body)
    assert made.status == 200, made.body
    return superuser


async def titles(client: Client, query: str) -> list[object]:
    page = await client.get(f"{GOODS}?{query}")
    assert page.status == 200, page.body
    return [page.at("items", index, "title") for index in range(int(str(page["totalItems"])))]


async def test_what_is_stored_is_exact_whatever_form_it_came_in(goods: Client) -> None:
    forms: list[tuple[object, object]] = [
        ({"amount": 1999, "currency": "EUR"}, {"amount": 1999, "currency": "EUR"}),
        ({"amount": 1999.0, "currency": "eur"}, {"amount": 1999, "currency": "EUR"}),
        ("19.99 EUR", {"amount": 1999, "currency": "EUR"}),
        ("19.9 eur", {"amount": 1990, "currency": "EUR"}),
        ("250 JPY", {"amount": 250, "currency": "JPY"}),
        ("1.234KWD", {"amount": 1234, "currency": "KWD"}),
        ('{"amount": 5, "currency": "USD"}', {"amount": 5, "currency": "USD"}),
        ("0 EUR", {"amount": 0, "currency": "EUR"}),
        (None, None),
        ("", None),
    ]
    for given, stored in forms:
        made = await goods.post(GOODS, {"price": given})
        assert (made.status, made["price"]) == (200, stored), given
        assert (await goods.get(f"{GOODS}/{made['id']}"))["price"] == stored
    largest = {"amount": 2**53 - 1, "currency": "USD"}
    assert (await goods.post(GOODS, {"balance": largest}))["balance"] == largest


async def test_what_is_no_money_is_refused_with_a_code(goods: Client) -> None:
    cases: list[tuple[object, str]] = [
        ("cheap", "money_invalid"),
        (5, "money_invalid"),
        (True, "money_invalid"),
        ([], "money_invalid"),
        ({"amount": 5}, "money_invalid"),
        ({"amount": 5, "currency": "EUR", "tax": 1}, "money_invalid"),
        ({"amount": "5", "currency": "EUR"}, "money_invalid"),
        ({"amount": 19.99, "currency": "EUR"}, "money_invalid"),
        ({"amount": True, "currency": "EUR"}, "money_invalid"),
        ({"amount": 1e300, "currency": "EUR"}, "money_out_of_range"),
        ("1" * 20 + " EUR", "money_out_of_range"),
        ("1" * 400 + " EUR", "money_invalid"),
        ("5 XXX", "money_unknown_currency"),
        ("19.999 EUR", "money_too_many_decimals"),
        ("2.5 JPY", "money_too_many_decimals"),
        ("5 GBP", "money_currency_not_allowed"),
        ("-0.01 EUR", "money_too_little"),
        ("10000.01 EUR", "money_too_much"),
    ]
    for given, code in cases:
        answer = await goods.post(GOODS, {"price": given})
        assert (answer.status, answer.at("data", "price", "code")) == (400, code), given
    assert (await goods.get(GOODS))["totalItems"] == 0


async def test_filter_and_sort_look_into_the_value(goods: Client, guest: Client) -> None:
    for title, price in (("pen", "1.20 EUR"), ("ink", "9.00 EUR"), ("map", "9.50 USD"), ("tea", "300 JPY")):
        assert (await goods.post(GOODS, {"title": title, "price": price})).status == 200
    await goods.post(GOODS, {"title": "free"})
    for filter_, expected in (
        ("price.currency = 'EUR'", {"pen", "ink"}),
        ("price.amount >= 900", {"ink", "map"}),
        ("price.currency = 'EUR' && price.amount > 120", {"ink"}),
        ("price = null", {"free"}),
        ("price != null", {"pen", "ink", "map", "tea"}),
        ("money(price, 'EUR') <= 900", {"pen", "ink"}),
        ("money(price, 'EUR') < 900 || money(price, 'USD') < 1000", {"pen", "map"}),
        ("money(price, 'EUR') = null", {"map", "tea", "free"}),
        ("money(title, 'EUR') > 0", set()),
    ):
        assert set(await titles(guest, "filter=" + quote(filter_))) == expected, filter_
    assert await titles(guest, "sort=-price.amount&filter=" + quote("price != null")) == ["map", "ink", "tea", "pen"]
    by_currency = await titles(guest, "sort=price.currency,price.amount&filter=" + quote("price != null"))
    assert by_currency == ["pen", "ink", "tea", "map"]
    assert (await guest.get(f"{GOODS}?filter=" + quote("money(price) > 1"))).status == 400


async def test_amounts_are_added_and_subtracted_in_their_currency(goods: Client) -> None:
    made = await goods.post(GOODS, {"balance": "10 EUR"})
    path = f"{GOODS}/{made['id']}"
    assert (await goods.patch(path, {"balance+": "2.50 EUR"}))["balance"] == {"amount": 1250, "currency": "EUR"}
    assert (await goods.patch(path, {"balance-": "20 EUR"}))["balance"] == {"amount": -750, "currency": "EUR"}
    other = await goods.patch(path, {"balance+": "1 USD"})
    assert (other.status, other.at("data", "balance", "code")) == (400, "money_other_currency")
    empty = await goods.post(GOODS, {"balance+": "1 USD"})
    assert empty["balance"] == {"amount": 1, "currency": "USD"} | {"amount": 100}


async def test_rules_see_what_was_submitted_and_what_is_stored(goods: Client, user: Client) -> None:
    changed = await goods.patch(
        "/api/collections/goods",
        {
            "createRule": "@request.body.price.amount <= 500",
            "updateRule": "price.currency = 'EUR' && @request.body.price:changed = false",
        },
    )
    assert changed.status == 200, changed.body
    assert (await user.post(GOODS, {"price": "6 EUR"})).status == 400
    made = await user.post(GOODS, {"title": "pen", "price": "5 EUR"})
    assert made.status == 200, made.body
    path = f"{GOODS}/{made['id']}"
    assert (await user.patch(path, {"title": "ink", "price": "5.00 EUR"})).status == 200
    assert (await user.patch(path, {"price": "4 EUR"})).status == 404
    assert (await user.patch(path, {"price": "cheap"})).status in (400, 404)


async def test_live_updates_carry_it(goods: Client, guest: Client, realtime_reader: OpenReader) -> None:
    options = quote('{"query":{"filter":"money(price, \'EUR\') > 100"}}')
    reader = await realtime_reader(guest, f"goods/*?options={options}")
    await goods.post(GOODS, {"title": "gum", "price": "0.50 EUR"})
    await goods.post(GOODS, {"title": "ink", "price": "9 EUR"})
    message = await reader.next()
    assert message["action"] == "create"
    record = message["record"]
    assert isinstance(record, dict)
    assert (record["title"], record["price"]) == ("ink", {"amount": 900, "currency": "EUR"})


async def test_a_collection_is_exported_and_imported_with_its_options(goods: Client) -> None:
    exported = await goods.get("/api/collections/goods")
    await goods.post(GOODS, {"title": "pen", "price": "1.20 EUR"})
    price = next(field for field in exported["fields"] if field["name"] == "price")  # type: ignore[union-attr,index,call-overload]  # JSON of the answer
    assert {**price, **PRICE} == price  # type: ignore[dict-item]  # JSON of the answer
    answer = await goods.put("/api/collections/import", {"collections": [exported.body]})
    assert answer.status == 204, answer.body
    assert (await goods.get("/api/collections/goods"))["fields"] == exported["fields"]
    assert await titles(goods, "filter=" + quote("money(price, 'EUR') = 120")) == ["pen"]


async def test_options_that_make_no_sense_are_refused(superuser: Client) -> None:
    for options, key, code in (
        ({"currencies": ["EUR", "euro"]}, "currencies", "money_unknown_currency"),
        ({"min": 5, "max": 4}, "max", "money_invalid_range"),
    ):
        fields = [{"name": "price", "type": "money", **options}]
        answer = await superuser.post("/api/collections", {"name": "bad", "fields": fields})
        errors = answer.at("data", "fields")
        assert isinstance(errors, dict)
        (error,) = errors.values()
        assert error[key]["code"] == code  # type: ignore[index,call-overload]  # JSON of the answer
    wrong = {"name": "bad", "fields": [{"name": "price", "type": "money", "min": "low"}]}
    assert (await superuser.post("/api/collections", wrong)).status == 400


async def test_code_reads_and_writes_money(goods: Client) -> None:
    records = goods.running.app.records
    made = await records.create("goods", {"price": Money(1999, "EUR")})
    price = made["price"]
    assert isinstance(price, Money)
    assert (price.amount, price.currency, price.decimal, str(price)) == (1999, "EUR", Decimal("19.99"), "19.99 EUR")
    made["price-"] = "0.99 EUR"
    await records.save(made)
    found = await records.find_first(
        "goods", "money(price, {:currency}) = {:amount}", {"currency": "EUR", "amount": 1900}
    )
    assert found is not None
    assert (str(Money(250, "JPY")), str(Money(-5, "KWD"))) == ("250 JPY", "-0.005 KWD")


async def test_values_that_others_wrote_do_not_break_an_answer(goods: Client) -> None:
    made = await goods.post(GOODS, {"title": "pen", "price": "1 EUR"})
    db = goods.running.app.db
    for text in ("nonsense", '{"amount":"x","currency":"EUR"}', "7", "[1]", '{"amount":5,"currency":"EU"}'):
        await db.write(lambda tx, text=text: tx.execute("UPDATE goods SET price = ?", (text,)))  # type: ignore[misc]
        assert (await goods.get(f"{GOODS}/{made['id']}"))["price"] is None
        assert (await goods.get(f"{GOODS}?sort=price.amount&filter=" + quote("money(price, 'EUR') > 1"))).status == 200


async def test_the_server_describes_it(goods: Client) -> None:
    document = await goods.get("/api/openapi.json")
    shown = document.at("components", "schemas", "goods", "properties", "price", "anyOf", 0, "properties")
    assert shown == {"amount": {"type": "integer"}, "currency": {"type": "string", "enum": PRICE["currencies"]}}
    given = document.at("components", "schemas", "goodsCreate", "properties", "price", "anyOf", 1)
    assert given == {"type": "string"}
