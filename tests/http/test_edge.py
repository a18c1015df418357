"""Who the client is, and which origins may read the answer."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from pbhost.http.cors import Cors
from pbhost.http.real_ip import real_ip


@pytest.mark.parametrize(
    ("headers", "trusted", "leftmost", "expected"),
    [
        ([], [], False, "9.9.9.9"),
        ([("X-Forwarded-For", "1.1.1.1")], [], False, "9.9.9.9"),
        ([("X-Forwarded-For", "1.1.1.1, 2.2.2.2")], ["x-forwarded-for"], False, "2.2.2.2"),
        ([("X-Forwarded-For", "1.1.1.1, 2.2.2.2")], ["X-Forwarded-For"], True, "1.1.1.1"),
        ([("X-Forwarded-For", "1.1.1.1, junk")], ["X-Forwarded-For"], False, "1.1.1.1"),
        ([("X-Real-IP", "junk"), ("Fly-Client-IP", "3.3.3.3")], ["X-Real-IP", "Fly-Client-IP"], False, "3.3.3.3"),
        ([("X-Real-IP", "1.1.1.1"), ("X-Real-IP", "2.2.2.2")], ["X-Real-IP"], False, "2.2.2.2"),
        ([("X-Real-IP", "::1")], ["X-Real-IP"], False, "0000:0000:0000:0000:0000:0000:0000:0001"),
        (
            [("X-Real-IP", "::ffff:1.2.3.4")],
            ["X-Real-IP"],
            False,
            "0000:0000:0000:0000:0000:ffff:0102:0304",
        ),
    ],
)
def test_real_ip(headers: list[tuple[str, str]], trusted: list[str], leftmost: bool, expected: str) -> None:
    assert real_ip(CIMultiDict(headers), "9.9.9.9", trusted, use_leftmost=leftmost) == expected


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        (["*"], "http://a.b", "*"),
        (["*"], "", ""),
        (["http://a.b"], "http://a.b", "http://a.b"),
        (["http://a.b/"], "http://a.b", "http://a.b"),
        (["http://a.b"], "http://a.b.evil.com", ""),
        (["http://a.b"], "https://a.b", ""),
        (["https://*.example.com"], "https://x.example.com", "https://x.example.com"),
        (["https://*.example.com"], "https://x.y.example.com", "https://x.y.example.com"),
        (["https://*.example.com"], "https://example.com", ""),
        (["https://*.example.com"], "https://evilexample.com", ""),
        (["https://*.example.com"], "https://evil.com/.example.com", ""),
        (["http://localhost:80?0"], "http://localhost:8090", "http://localhost:8090"),
        (["http://localhost:*"], "http://localhost:5173", "http://localhost:5173"),
    ],
)
def test_origins(origins: list[str], origin: str, allowed: str) -> None:
    assert Cors(origins).allowed_origin(origin) == allowed


def test_every_answer_varies_by_origin() -> None:
    assert Cors(["*"]).headers("") == {"Vary": "Origin"}
    assert Cors(["*"]).headers("http://a") == {"Vary": "Origin", "Access-Control-Allow-Origin": "*"}
    assert Cors(["http://b"]).headers("http://a") == {"Vary": "Origin"}


def test_a_preflight_echoes_the_requested_headers() -> None:
    assert Cors(["*"]).preflight("http://a", "X-Token,Content-Type") == {
        "Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET,HEAD,PUT,PATCH,POST,DELETE",
        "Access-Control-Allow-Headers": "X-Token,Content-Type",
    }
    assert Cors(["*"]).preflight("", "X") == {"Vary": "Origin"}


def test_an_ipv4_peer_of_a_dual_stack_socket_is_plain() -> None:
    assert real_ip(CIMultiDict(), "::ffff:1.2.3.4", []) == "1.2.3.4"
