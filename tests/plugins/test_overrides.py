"""The override matrix: a third party stands in for everything there is, and the SDK's scenario passes as before."""

from __future__ import annotations

import base64
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from pbhost.hooks import specs
from pbhost.services import SERVICES
from tests.e2e.conftest import Server

OVERRIDING = Path(__file__).parent / "overriding"
#: What the scenario does not come by: they are replaced, and nobody asks.
UNUSED_SERVICES = {"mailer", "cron", "realtime"}
FIELD_TYPES = {
    *("autodate", "bool", "date", "editor", "email", "file", "geoPoint", "json", "number", "password"),
    *("relation", "select", "text", "url"),
}


def picture() -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (120, 160), (20, 120, 200)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def told(server: Server, path: str) -> dict[str, Any]:
    status, answer = server.get(path)
    assert status == 200
    assert isinstance(answer, dict)
    return answer


def test_every_service_route_and_type_is_replaced(
    tmp_path: Path, start_server: Callable[..., Server], run_js: Callable[..., dict[str, object]]
) -> None:
    (tmp_path / "pb_plugins").mkdir()
    shutil.copy(OVERRIDING / "override.py", tmp_path / "pb_plugins" / "override.py")
    server = start_server()
    run_js("outcome.mjs", server, png=picture(), cascade=True)
    answer = told(server, "/api/overridden")
    replaced: dict[str, list[str]] = answer["replaced"]
    used: dict[str, int] = answer["used"]

    assert set(replaced["service"]) == set(SERVICES)
    assert {f"service {name}" for name in set(SERVICES) - UNUSED_SERVICES} <= set(used)
    assert set(replaced["field type"]) == FIELD_TYPES
    asked = {name.removeprefix("field type ") for name in used if name.startswith("field type ")}
    assert FIELD_TYPES - asked <= {"url"}, "the scenario has no field of this type"
    assert set(replaced["collection type"]) == {"base", "auth", "view"}
    assert set(replaced["auth method"]) >= {"password", "oauth2", "otp"}
    assert used["auth method password"] > 0
    assert len(replaced["oauth2 provider"]) > 10
    routes = [name for name in used if name.startswith("route ")]
    assert len(replaced["route"]) >= 60
    assert "route POST /api/collections/{collection}/records" in routes
    assert "route GET /api/realtime" in routes
    assert "Error" not in server.output()


def test_every_event_is_surrounded_by_three_plugins(
    tmp_path: Path, start_server: Callable[..., Server], run_js: Callable[..., dict[str, object]]
) -> None:
    (tmp_path / "pb_plugins").mkdir()
    kinds = ("plain", "wrapper", "async_wrapper")
    for kind in kinds:
        text = (OVERRIDING / "surround.py").read_text().replace("@KIND@", kind)
        (tmp_path / "pb_plugins" / f"surround_{kind}.py").write_text(text)
    server = start_server()
    run_js("outcome.mjs", server, png=picture(), cascade=True)
    counts = {kind: told(server, f"/api/{kind}") for kind in kinds}
    begun = counts["plain"]["begun"]
    names = [name for name in vars(specs) if name.startswith("on_")]
    assert len([name for name in names if name in begun]) > 40, sorted(set(names) - set(begun))
    # The outer ones see what the inner ones refuse as well; live connections and this very request are not over yet.
    open_ended = {"on_request", "on_serve", "on_bootstrap", "on_realtime_connect_request"}
    for kind in ("wrapper", "async_wrapper"):
        assert set(begun) <= set(counts[kind]["begun"])
        unequal = {
            name
            for name, count in counts[kind]["begun"].items()
            if counts[kind]["ended"].get(name, 0) != count and name not in open_ended
        }
        assert unequal == set()
    assert "Error" not in server.output()
