"""Uploading, replacing and removing the files of a record through the API."""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections.abc import Callable

import aiohttp
import pytest

from pbhost.errors import JSON
from tests.builtin_files.conftest import Part, Site, png


async def until(condition: Callable[[], bool]) -> None:
    """Waits for what happens in the background."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


def error_of(body: JSON, field: str) -> JSON:
    assert isinstance(body, dict)
    data = body["data"]
    assert isinstance(data, dict), body
    return data.get(field)


async def test_an_upload_is_stored_under_a_name_of_its_own(site: Site) -> None:
    record = await site.create(("one", ("My Photo.png", png())))
    name = str(record["one"])
    assert re.fullmatch(r"my_photo_[a-z0-9]{10}\.png", name)
    assert site.on_disk() == [f"{record['id']}/{name}"]
    side = site.attrs(record, name)
    assert side["user.content_type"] == "image/png"
    assert side["user.metadata"] == {"original-filename": "My Photo.png"}


async def test_a_client_name_keeps_its_backslashes(site: Site) -> None:
    record = await site.create(("one", ("dir\\sub\\nam.txt", b"text")))
    assert str(record["one"]).startswith("dir_sub_nam_")


async def test_several_files_keep_their_order(site: Site) -> None:
    record = await site.create(("many", ("b.txt", b"b")), ("many", ("a.txt", b"a")))
    names = record["many"]
    assert isinstance(names, list)
    assert [str(name)[0] for name in names] == ["b", "a"]


async def test_the_last_of_several_values_wins_in_a_single_field(site: Site) -> None:
    record = await site.create(("one", ("first.txt", b"1")), ("one", ("second.txt", b"2")))
    assert str(record["one"]).startswith("second_")
    assert len(site.on_disk()) == 1


async def test_uploads_alone_replace_all_files(site: Site) -> None:
    record = await site.create(("many", ("a.txt", b"a")), ("many", ("b.txt", b"b")))
    answer = await site.update(record, ("many", ("c.txt", b"c")))
    assert len(answer["many"]) == 1  # type: ignore[arg-type]
    assert [path.split("/")[1][0] for path in site.on_disk()] == ["c"]


async def test_names_with_uploads_keep_those_names_first(site: Site) -> None:
    record = await site.create(("many", ("a.txt", b"a")), ("many", ("b.txt", b"b")))
    kept = record["many"][1]  # type: ignore[index]
    answer = await site.update(record, ("many", str(kept)), ("many", ("c.txt", b"c")))
    names = answer["many"]
    assert isinstance(names, list)
    assert names[0] == kept
    assert str(names[1]).startswith("c")
    assert len(site.on_disk()) == 2


async def test_plus_and_minus(site: Site) -> None:
    record = await site.create(("many", ("a.txt", b"a")))
    answer = await site.update(record, ("many+", ("b.txt", b"b")), ("+many", ("c.txt", b"c")))
    names = [str(name) for name in answer["many"]]  # type: ignore[union-attr]
    assert [name[0] for name in names] == ["c", "a", "b"]
    answer = await site.patch(record, {"many-": [names[0], "unknown.txt"]})
    assert answer["many"] == names[1:]
    assert len(site.on_disk()) == 2


async def test_prepending_to_a_single_field_keeps_what_it_has(site: Site) -> None:
    record = await site.create(("one", ("first.txt", b"1")))
    answer = await site.update(record, ("+one", ("second.txt", b"2")))
    assert answer["one"] == record["one"]
    assert len(site.on_disk()) == 1


@pytest.mark.parametrize("empty", ["", None, []])
async def test_clearing_deletes_file_and_thumbs(site: Site, empty: JSON) -> None:
    record = await site.create(("one", ("a.png", png())))
    status, _, _ = await site.get(f"/api/files/docs/{record['id']}/{record['one']}?thumb=100x100")
    assert status == 200
    assert len(site.on_disk()) == 2
    answer = await site.patch(record, {"one": empty})
    assert answer["one"] == ""
    assert site.on_disk() == []


async def test_a_json_body_can_only_name_what_is_there(site: Site) -> None:
    record = await site.create(("many", ("a.txt", b"a")))
    answer = await site.patch(record, {"many": [*record["many"], "x.txt", "y.txt"]})  # type: ignore[misc]
    assert answer.status == 400
    assert error_of(answer.body, "many") == {
        "code": "validation_invalid_file",
        "message": "Invalid new files: [x.txt y.txt].",
        "params": {"invalidFiles": ["x.txt", "y.txt"]},
    }


@pytest.mark.parametrize(
    ("field", "parts", "code", "message"),
    [
        ("many", [("a.txt", b"a")] * 4, "validation_too_many_files", "The maximum allowed files is 3."),
        (
            "many",
            [("Big one.txt", b"a" * 2001)],
            "validation_file_size_limit",
            "Failed to upload Big one.txt - the maximum allowed file size is 2000 bytes.",
        ),
        (
            "pictures",
            [("a.png", b"no picture")],
            "validation_invalid_mime_type",
            r'"a[a-z0-9]{10}_[a-z0-9]{10}.png" mime type must be one of: image/png, image/svg\+xml.',
        ),
    ],
)
async def test_a_refused_upload_leaves_no_file(
    site: Site, field: str, parts: list[Part], code: str, message: str
) -> None:
    answer = await site.send("POST", "/api/collections/docs/records", [(field, part) for part in parts])
    assert answer.status == 400
    assert answer["message"] == "Failed to create record."
    found = error_of(answer.body, field)
    assert isinstance(found, dict)
    assert found["code"] == code
    assert re.fullmatch(message, str(found["message"]))
    assert site.on_disk() == []


async def test_another_field_s_error_takes_the_files_along(site: Site) -> None:
    answer = await site.send("POST", "/api/collections/docs/records", [("one", ("a.png", png())), ("title", "x")])
    assert answer.status == 400
    assert error_of(answer.body, "title")
    await until(lambda: site.on_disk() == [])
    record = await site.create(("one", ("a.png", png())))
    answer = await site.update(record, ("one", ("b.png", png())), ("title", "x"))
    assert answer.status == 400
    await until(lambda: site.on_disk() == [f"{record['id']}/{record['one']}"])


async def test_the_row_of_another_record_keeps_its_files(site: Site) -> None:
    record = await site.create(("one", ("a.png", png())))
    parts: list[tuple[str, Part]] = [("id", str(record["id"])), ("one", ("b.png", png()))]
    answer = await site.send("POST", "/api/collections/docs/records", parts)
    assert answer.status == 400
    await until(lambda: site.on_disk() == [f"{record['id']}/{record['one']}"])


async def test_a_hidden_field_is_closed_to_others(site: Site) -> None:
    parts: list[tuple[str, Part]] = [("internal", ("a.txt", b"a")), ("+internal", ("b.txt", b"b"))]
    answer = await site.send("POST", "/api/collections/docs/records", parts, token="")
    assert answer.status == 200
    assert site.on_disk() == []


async def test_a_file_for_no_file_field_is_ignored(site: Site) -> None:
    record = await site.create(("title", ("a.txt", b"a")), ("nosuch", ("b.txt", b"b")), ("one", ("c.txt", b"c")))
    assert record["title"] == ""
    assert len(site.on_disk()) == 1


async def test_an_empty_file(site: Site) -> None:
    record = await site.create(("one", ("empty.txt", b"")))
    assert site.attrs(record, record["one"])["user.content_type"] == "text/plain"
    status, body, _ = await site.get(f"/api/files/docs/{record['id']}/{record['one']}")
    assert (status, body) == (200, b"")


async def test_deleting_a_record_deletes_its_directory(site: Site) -> None:
    record = await site.create(("one", ("a.png", png())), ("many", ("b.txt", b"b")))
    other = await site.create(("one", ("a.png", png())))
    answer = await site.server.request("DELETE", f"/api/collections/docs/records/{record['id']}", token=site.token)
    assert answer.status == 204
    await until(lambda: site.on_disk() == [f"{other['id']}/{other['one']}"])
    await until(lambda: not list(site.storage.glob(f"*/{record['id']}")))


async def test_deleting_a_collection_deletes_its_directory(site: Site) -> None:
    await site.create(("one", ("a.png", png())))
    answer = await site.server.request("DELETE", "/api/collections/docs", token=site.token)
    assert answer.status == 204, answer.body
    await until(lambda: [path.name for path in site.storage.iterdir()] == [])


async def test_truncating_a_collection_deletes_the_files(site: Site) -> None:
    await site.create(("one", ("a.png", png())))
    answer = await site.server.request("DELETE", "/api/collections/docs/truncate", token=site.token)
    assert answer.status == 204, answer.body
    await until(lambda: site.on_disk() == [])


async def test_switching_to_many_and_back_keeps_the_file(site: Site) -> None:
    record = await site.create(("one", ("a.png", png())))
    path = f"/api/collections/docs/records/{record['id']}"
    for most, expected in ((2, [record["one"]]), (1, record["one"])):
        schema = await site.server.request("GET", "/api/collections/docs", token=site.token)
        fields = schema["fields"]
        assert isinstance(fields, list)
        for field in fields:
            assert isinstance(field, dict)
            if field["name"] == "one":
                field["maxSelect"] = most
        changed = await site.server.request("PATCH", "/api/collections/docs", {"fields": fields}, token=site.token)
        assert changed.status == 200, changed.body
        answer = await site.server.request("GET", path)
        assert answer["one"] == expected
    assert len(site.on_disk()) == 1


@pytest.mark.parametrize(
    ("options", "errors"),
    [
        ({"maxSelect": -1}, {"maxSelect": "validation_min_greater_equal_than_required"}),
        ({"maxSize": 2**53}, {"maxSize": "validation_max_less_equal_than_required"}),
        ({"thumbs": ["10x10", "0x0", "axb", ""]}, {"1": "validation_not_in_invalid", "2": "validation_match_invalid"}),
    ],
)
async def test_options_are_checked(site: Site, options: dict[str, JSON], errors: dict[str, str]) -> None:
    body: JSON = {"name": "bad", "fields": [{"name": "f", "type": "file", **options}]}
    answer = await site.server.request("POST", "/api/collections", body, token=site.token)
    assert answer.status == 400
    found = str(answer.body)
    assert all(code in found for code in errors.values()), found


async def test_batch_files_live_and_die_with_the_batch(site: Site) -> None:
    enable: JSON = {"batch": {"enabled": True, "maxRequests": 10, "timeout": 10}}
    assert (await site.server.request("PATCH", "/api/settings", enable, token=site.token)).status == 200
    url = "/api/collections/docs/records"

    def payload(second: str) -> str:
        requests = [{"method": "POST", "url": url, "body": {"title": title}} for title in ("good", second)]
        return json.dumps({"requests": requests})

    files: list[tuple[str, Part]] = [("requests.0.one", ("a.png", png())), ("requests[1].many+", ("b.txt", b"b"))]
    answer = await site.send("POST", "/api/batch", [("@jsonPayload", payload("x")), *files])
    assert answer.status == 400
    await until(lambda: site.on_disk() == [])
    answer = await site.send("POST", "/api/batch", [("@jsonPayload", payload("fine")), *files])
    assert answer.status == 200, answer.body
    assert len(site.on_disk()) == 2


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        ("@request.body.one.size < 10", 200),
        ("@request.body.one.size > 10", 400),
        ('@request.body.one.originalName = "a.txt" && @request.body.one.name ~ "a%_%.txt"', 200),
        ('one ~ "nothing"', 400),
        ("@request.body.many:length = 2 && many:length = 2 && @request.body.many.0.size = 1", 200),
        (None, 403),
    ],
)
async def test_rules_see_uploads_and_a_refusal_leaves_no_file(site: Site, rule: JSON, status: int) -> None:
    await site.server.request("PATCH", "/api/collections/docs", {"createRule": rule}, token=site.token)
    parts: list[tuple[str, Part]] = [("one", ("a.txt", b"abc")), ("many", ("b.txt", b"b")), ("many", ("c.txt", b"b"))]
    answer = await site.send("POST", "/api/collections/docs/records", parts, token="")
    assert answer.status == status, answer.body
    await until(lambda: len(site.on_disk()) == (3 if status == 200 else 0))


async def test_a_body_over_the_limit_is_refused(site: Site) -> None:
    form = aiohttp.FormData()
    form.add_field("one", io.BytesIO(bytes(80 * 1024 * 1024)), filename="a.bin")
    try:
        answer = await site.server.request("POST", "/api/collections/docs/records", data=form)
    except aiohttp.ClientError:
        return  # the server may stop reading and close
    assert (answer.status, answer["message"]) == (413, "Request entity too large.")
    assert site.on_disk() == []
