"""``POST /api/batch``: all or nothing."""

from __future__ import annotations

from typing import Any

import aiohttp
import orjson
import pytest

from pbhost.testing import Answer
from tests.builtin_records.records.conftest import Blog

POSTS = "/api/collections/posts/records"


async def send(blog: Blog, *items: dict[str, Any], token: str = "", query: str = "") -> Answer:
    return await blog.running.request("POST", f"/api/batch{query}", {"requests": list(items)}, token=token)


def item(method: str, url: str = POSTS, **body: Any) -> dict[str, Any]:
    return {"method": method, "url": url, "body": body}


@pytest.fixture
async def open_blog(blog: Blog) -> Blog:
    await blog.app.settings.update({"batch": {"enabled": True, "maxRequests": 5}})
    return blog


async def test_batches_are_off_by_default(blog: Blog) -> None:
    refused = await send(blog, item("POST", title="a"))
    assert (refused.status, refused["message"]) == (403, "Batch requests are not allowed.")


async def test_items_run_in_order_and_see_each_other(open_blog: Blog) -> None:
    id_ = "post00000000001"
    answer = await send(
        open_blog,
        item("POST", id=id_, title="a"),
        item("PUT", id=id_, title="b", score=1),
        item("PATCH", f"{POSTS}/{id_}?fields=score,title", **{"score+": 2}),
        item("PUT", id="post00000000002", title="c"),
        item("DELETE", f"{POSTS}/post00000000002"),
    )
    assert answer.status == 200
    results: Any = answer.body
    assert [result["status"] for result in results] == [200, 200, 200, 200, 204]
    assert [result["body"] and result["body"]["title"] for result in results] == ["a", "b", "b", "c", None]
    assert results[2]["body"] == {"title": "b", "score": 3}
    assert (await open_blog.get("posts/records"))["totalItems"] == 1


async def test_one_failure_rolls_everything_back(open_blog: Blog) -> None:
    answer = await send(open_blog, item("POST", title="a"), item("POST", title=""), item("POST", title="c"))
    assert answer.status == 400
    assert answer.body == {
        "status": 400,
        "message": "Batch transaction failed.",
        "data": {
            "requests": {
                "1": {
                    "code": "batch_request_failed",
                    "message": "Batch request failed.",
                    "response": {
                        "status": 400,
                        "message": "Failed to create record.",
                        "data": {"title": {"code": "validation_required", "message": "Cannot be blank."}},
                    },
                }
            }
        },
    }
    assert (await open_blog.get("posts/records"))["totalItems"] == 0


@pytest.mark.parametrize(
    ("items", "status", "message"),
    [
        ([item("PATCH", f"{POSTS}/nope", title="x")], 404, "The requested resource wasn't found."),
        ([item("POST", "/api/collections/nope/records")], 404, "Missing collection context."),
        ([item("GET", f"{POSTS}/x")], 400, "Something went wrong while processing your request."),
        ([item("POST", title="a"), item("GET")], 500, "Something went wrong while processing your request."),
        ([item("POST", "http://x" + POSTS, title="a")], 400, "Something went wrong while processing your request."),
        ([item("POST", "/api/collections/locked/records")], 403, "Only superusers can perform this action."),
    ],
)
async def test_the_answer_of_the_failing_item(
    open_blog: Blog, items: list[dict[str, Any]], status: int, message: str
) -> None:
    await open_blog.define("locked", [], createRule=None)
    answer = await send(open_blog, *items)
    data: Any = answer["data"]
    response = data["requests"][str(len(items) - 1)]["response"]
    assert (answer.status, response["status"], response["message"]) == (400, status, message)


@pytest.mark.parametrize(
    ("requests", "errors"),
    [
        ([], {"code": "validation_required"}),
        ([item("POST")] * 6, {"code": "validation_length_too_long", "params": {"max": 5, "min": 0}}),
        ([{"url": POSTS}], {"0": {"method": {"code": "validation_required"}}}),
        ([item("POST"), item("post")], {"1": {"method": {"code": "validation_in_invalid"}}}),
        ([item("POST", "")], {"0": {"url": {"code": "validation_required"}}}),
        ([item("POST", "/" * 2001)], {"0": {"url": {"code": "validation_length_too_long"}}}),
    ],
)
async def test_a_batch_is_checked_before_it_runs(open_blog: Blog, requests: Any, errors: dict[str, Any]) -> None:
    def assert_has(found: Any, wanted: Any) -> None:
        if isinstance(wanted, dict):
            for key, value in wanted.items():
                assert_has(found[key], value)
        else:
            assert found == wanted

    answer = await send(open_blog, *requests)
    assert (answer.status, answer["message"]) == (400, "Invalid batch request data.")
    data: Any = answer["data"]
    assert_has(data["requests"], errors)


@pytest.mark.parametrize("body", [{"requests": 1}, {"requests": [1]}, {"requests": [item("POST") | {"body": 1}]}])
async def test_a_body_of_another_form(open_blog: Blog, body: object) -> None:
    answer = await open_blog.running.request("POST", "/api/batch", body)
    assert (answer.status, answer["message"]) == (400, "Failed to read the submitted batch data.")


async def test_rules_see_the_batch_and_the_headers_of_the_item(open_blog: Blog) -> None:
    await open_blog.change(
        "posts", createRule="@request.context = 'batch' && @request.headers.x_trace = '1' && @request.query.q = 'v'"
    )
    wanted = item("POST", f"{POSTS}?q=v", title="a") | {"headers": {"X-Trace": "1", "Authorization": "ignored"}}
    assert (await send(open_blog, wanted)).status == 200
    assert (await send(open_blog, item("POST", f"{POSTS}?q=v", title="b"))).status == 400


async def test_fields_of_the_batch_itself(open_blog: Blog) -> None:
    answer = await send(open_blog, item("POST", title="a"), query="?fields=status,body.title")
    assert answer.body == [{"status": 200, "body": {"title": "a"}}]


async def test_files_of_a_batch(open_blog: Blog) -> None:
    await open_blog.define("docs", [{"name": "files", "type": "file", "maxSelect": 5, "maxSize": 100}])
    url = "/api/collections/docs/records"

    async def upload(*items: dict[str, Any], **parts: bytes) -> Answer:
        form = aiohttp.FormData()
        form.add_field("@jsonPayload", orjson.dumps({"requests": list(items)}).decode())
        for name, content in parts.items():
            form.add_field(name, content, filename="note.txt")
        return await open_blog.running.request("POST", "/api/batch", data=form)

    answer = await upload(
        item("POST", url), item("POST", url), **{"requests.0.files": b"a", "requests[1].files": b"b", "other": b"c"}
    )
    assert answer.status == 200
    results: Any = answer.body
    for result, content in zip(results, (b"a", b"b"), strict=True):
        record = result["body"]
        path = f"/api/files/docs/{record['id']}/{record['files'][0]}"
        async with open_blog.running.session.get(open_blog.running.url + path) as response:
            assert (response.status, await response.read()) == (200, content)
    failed = await upload(item("POST", url), item("POST", POSTS), **{"requests.0.files": b"a"})
    assert failed.status == 400
    assert (await open_blog.get("docs/records"))["totalItems"] == 2
    folders = [key async for key, _ in open_blog.app.storage.list()]
    assert len([key for key in folders if key.endswith(".txt")]) == 2
