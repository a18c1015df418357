"""Helpers for testing plugins against a real application on a temporary directory."""

from pbhost.testing.running import Answer, Running, running_app

__all__ = ["Answer", "Running", "running_app"]
