"""Conditional and range requests: what is sent for which headers."""

from __future__ import annotations

import pytest
from builtin_files.ranges import Answer, Slice, decide, http_date, parse_http_date
from hypothesis import given
from hypothesis import strategies as st

SIZE = 1000
MODIFIED = 1_700_000_000
AT = http_date(MODIFIED)
BEFORE = http_date(MODIFIED - 1)
AFTER = http_date(MODIFIED + 1)
CONTENT = bytes(index % 251 for index in range(SIZE))


def ask(method: str = "GET", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return decide(method, named, SIZE, MODIFIED, "image/png", boundary="B")


def body(answer: Answer) -> bytes:
    return b"".join(
        CONTENT[part.start : part.start + part.length] if isinstance(part, Slice) else part for part in answer.parts
    )


def test_without_conditions_the_whole_file_is_sent() -> None:
    answer = ask()
    assert (answer.status, body(answer)) == (200, CONTENT)
    assert answer.headers == {"Last-Modified": AT, "Accept-Ranges": "bytes", "Content-Length": "1000"}


@pytest.mark.parametrize(
    ("value", "content_range", "sent"),
    [
        ("bytes=0-4", "bytes 0-4/1000", CONTENT[:5]),
        ("bytes=990-", "bytes 990-999/1000", CONTENT[990:]),
        ("bytes=-3", "bytes 997-999/1000", CONTENT[-3:]),
        ("bytes=5-5000", "bytes 5-999/1000", CONTENT[5:]),
        ("bytes=-5000", "bytes 0-999/1000", CONTENT),
        ("bytes=-0", "bytes 1000-999/1000", b""),
        ("bytes= 1 - 2 ,", "bytes 1-2/1000", CONTENT[1:3]),
        ("bytes=5000-,0-1", "bytes 0-1/1000", CONTENT[:2]),
    ],
)
def test_one_range(value: str, content_range: str, sent: bytes) -> None:
    answer = ask(Range=value)
    assert (answer.status, body(answer)) == (206, sent)
    assert answer.headers["Content-Range"] == content_range
    assert answer.headers["Content-Length"] == str(len(sent))


def test_several_ranges_come_as_parts() -> None:
    answer = ask(Range="bytes=0-1,-2")
    assert answer.status == 206
    assert answer.headers["Content-Type"] == "multipart/byteranges; boundary=B"
    assert body(answer) == (
        b"--B\r\nContent-Range: bytes 0-1/1000\r\nContent-Type: image/png\r\n\r\n" + CONTENT[:2] + b"\r\n"
        b"--B\r\nContent-Range: bytes 998-999/1000\r\nContent-Type: image/png\r\n\r\n" + CONTENT[-2:] + b"\r\n--B--\r\n"
    )
    assert answer.length == len(body(answer))


@pytest.mark.parametrize("value", ["bytes=", "bytes= , ", "bytes=0-,0-", "bytes=0-999,5-6"])
def test_no_range_or_too_much_of_it_gives_the_whole_file(value: str) -> None:
    assert (ask(Range=value).status, body(ask(Range=value))) == (200, CONTENT)


@pytest.mark.parametrize(
    "value", ["items=0-1", "bytes=a-b", "bytes=5-2", "bytes=1", "bytes=--1", "bytes=-", "bytes=1_0-", "bytes=0-1,x"]
)
def test_a_malformed_range_is_refused(value: str) -> None:
    answer = ask(Range=value)
    assert (answer.status, body(answer)) == (416, b"invalid range\n")
    assert answer.headers == {"Content-Type": "text/plain; charset=utf-8", "Content-Length": "14"}
    assert answer.drop == ("Cache-Control",)


def test_a_range_behind_the_end_is_refused_with_the_size() -> None:
    answer = ask(Range="bytes=1000-")
    assert (answer.status, body(answer)) == (416, b"invalid range: failed to overlap\n")
    assert answer.headers["Content-Range"] == "bytes */1000"


def test_an_empty_file_has_no_range_to_miss() -> None:
    answer = decide("GET", {"Range": "bytes=0-"}, 0, MODIFIED, "text/plain")
    assert (answer.status, answer.length) == (200, 0)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If_Modified_Since": AT}, 304),
        ({"If_Modified_Since": AFTER}, 304),
        ({"If_Modified_Since": BEFORE}, 200),
        ({"If_Modified_Since": "yesterday"}, 200),
        ({"If_Unmodified_Since": BEFORE}, 412),
        ({"If_Unmodified_Since": AT}, 200),
        ({"If_None_Match": "*"}, 304),
        ({"If_None_Match": '"tag"', "If_Modified_Since": AFTER}, 200),
        ({"If_Match": "*"}, 200),
        ({"If_Match": '"tag"'}, 412),
        ({"If_Match": "*", "If_Unmodified_Since": BEFORE}, 200),
        ({"Range": "bytes=0-0", "If_Range": AT}, 206),
        ({"Range": "bytes=0-0", "If_Range": BEFORE}, 200),
        ({"Range": "bytes=0-0", "If_Range": '"tag"'}, 200),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_conditions(method: str, headers: dict[str, str], status: int) -> None:
    assert ask(method, **headers).status == status


def test_not_modified_has_no_type_and_no_body() -> None:
    answer = ask(If_Modified_Since=AT)
    assert answer.drop == ("Content-Type", "Content-Length")
    assert (answer.parts, answer.length) == ((), None)


@pytest.mark.parametrize(
    "text", ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
)
def test_dates_are_read_in_all_three_forms(text: str) -> None:
    assert parse_http_date(text) == 784111777


@given(
    st.text(alphabet=st.sampled_from("bytes=0123456789-, ax"), max_size=30).map("bytes=".__add__), st.integers(0, 50)
)
def test_no_range_header_reaches_outside_the_file(value: str, size: int) -> None:
    answer = decide("GET", {"Range": value}, size, 0, "x/y")
    for part in answer.parts:
        if isinstance(part, Slice):
            assert part.start >= 0
            assert part.start + part.length <= size
