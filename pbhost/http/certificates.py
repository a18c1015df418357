"""The system's certificates are read beside the imports of a start, not in the middle of them.

aiohttp reads them when it is imported, for its HTTP client: a tenth of the time to the first answer. OpenSSL needs no
Python lock for it, so a thread can do it while the main thread imports the rest. Importing this module does it.
"""

from __future__ import annotations

import ssl
import sys
import threading

_threads: list[threading.Thread] = []


def _import_aiohttp() -> None:
    """Imports aiohttp; the certificates of its contexts are complete after :func:`wait_for_certificates`."""
    if "aiohttp" in sys.modules:
        return
    original = ssl.SSLContext.load_default_certs
    postponed: list[tuple[ssl.SSLContext, ssl.Purpose]] = []

    def postpone(context: ssl.SSLContext, purpose: ssl.Purpose = ssl.Purpose.SERVER_AUTH) -> None:
        postponed.append((context, purpose))

    ssl.SSLContext.load_default_certs = postpone  # type: ignore[assignment,method-assign]  # for the length of one import
    try:
        import aiohttp  # noqa: F401
    finally:
        ssl.SSLContext.load_default_certs = original  # type: ignore[method-assign]  # what it was

    def load() -> None:
        for context, purpose in postponed:
            context.load_default_certs(purpose)

    thread = threading.Thread(target=load, name="pbhost-certificates", daemon=True)
    thread.start()
    _threads.append(thread)


def wait_for_certificates() -> None:
    """Returns when outgoing connections can be verified; before that nothing of a plugin runs."""
    while _threads:
        _threads.pop().join()


_import_aiohttp()
