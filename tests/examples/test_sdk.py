"""The official SDK against a server of two processes that is made of example plugins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import Server, run_js, start_server

__all__ = ["run_js", "start_server"]  # fixtures

PLUGINS = Path(__file__).parents[2] / "examples" / "plugins"
NAMES = ("orders", "report_route", "money_field", "encrypted_storage", "proxy_sign_in")


@pytest.fixture
def shop(start_server: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    loaded = ", ".join(f'"pbhost_{name}"' for name in NAMES)
    (tmp_path / "pbhost.toml").write_text(
        f"""
        [plugins]
        load = [{loaded}]
        [plugins.encrypted_storage]
        current = "first"
        keys.first = "env:FILES_KEY"
        [plugins.proxy_sign_in]
        proxies = ["127.0.0.1"]
        """
    )
    monkeypatch.setenv("PYTHONPATH", ":".join(str(PLUGINS / name) for name in NAMES))
    monkeypatch.setenv("FILES_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    return start_server("--workers", "2")


def test_a_shop_of_example_plugins(shop: Server, run_js: Callable[..., dict[str, object]]) -> None:
    run_js("examples.mjs", shop)
