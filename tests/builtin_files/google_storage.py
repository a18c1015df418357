"""The emulator of Google Cloud Storage as a program: ``python google_storage.py``; prints its port.

Its own command serves one connection at a time, so that a client that opens two and sends on the second waits for ever.
"""

from __future__ import annotations

from functools import partial
from http.server import ThreadingHTTPServer

from gcp_storage_emulator.server import RequestHandler
from gcp_storage_emulator.storage import Storage

if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(RequestHandler, Storage(use_memory_fs=True)))
    print(server.server_port, flush=True)  # noqa: T201
    server.serve_forever()
