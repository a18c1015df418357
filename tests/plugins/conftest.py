"""A real server process and the official SDK in Node, as in ``tests/e2e``."""

from tests.e2e.conftest import run_js, start_server

__all__ = ["run_js", "start_server"]
