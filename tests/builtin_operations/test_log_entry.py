"""What a request looks like in the log."""

from __future__ import annotations

from typing import Any

from builtin_operations.logs.entry import LogEntry, request_entry

from pbhost.services import RequestLogEntry

NOW = "2024-05-01 12:00:00.000Z"


def entry(with_ip: bool = True, with_auth_id: bool = False, **changes: object) -> LogEntry:
    values: dict[str, Any] = {
        "method": "GET",
        "url": "/api/x",
        "status": 200,
        "seconds": 0.0015,
        "ip": "1.2.3.4",
        "remote_ip": "1.2.3.4",
        "referer": "",
        "user_agent": "",
        "auth_collection": "",
        "auth_id": "",
        **changes,
    }
    return request_entry(RequestLogEntry(**values), NOW, with_ip=with_ip, with_auth_id=with_auth_id)


def test_a_successful_request_is_an_info_entry() -> None:
    made = entry(url="/api/x?filter=a%3D1")
    assert (made.level, made.message, made.created) == (0, "GET /api/x?filter=a=1", NOW)
    assert made.data["url"] == "/api/x?filter=a%3D1"
    assert made.data["execTime"] == 1.5
    assert made.data["userIP"] == "1.2.3.4"
    assert "authId" not in made.data
    assert "error" not in made.data
    assert "meta" not in made.data


def test_addresses_and_ids_are_only_logged_where_the_settings_say_so() -> None:
    made = entry(with_ip=False, with_auth_id=True, auth_id="abc")
    assert "userIP" not in made.data
    assert "remoteIP" not in made.data
    assert made.data["authId"] == "abc"


def test_a_failed_request_is_an_error_entry_with_its_cause() -> None:
    made = entry(status=400, error="Nope.")
    assert made.level == 8
    assert made.data["error"] == "Nope."
    assert made.data["details"] is None


def test_long_values_are_cut() -> None:
    made = entry(url="/" + "a" * 5000, user_agent="u" * 5000, referer="r" * 5000)
    assert made.data["url"] == "/" + "a" * 2999 + "..."
    assert made.data["userAgent"] == "u" * 2000 + "..."
    assert made.data["referer"] == "r" * 2000 + "..."
    assert len(made.message) < 3100


def test_a_url_with_bytes_that_are_no_text_stays_as_sent() -> None:
    assert entry(url="/x%ff").message == "GET /x%ff"
    assert entry(url="/100%").message == "GET /100%"
