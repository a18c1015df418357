"""Files: downloads beside aiohttp's own FileResponse, and memory while 2 GiB go up and down."""

from __future__ import annotations

import http.client
import json
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from bench.compare import details, interleaved, middle
from bench.environment import SUPERUSER, Environment
from bench.load import Target
from bench.processes import Process, free_port, pbhost, request
from bench.report import Line, Report

_SIZES = {"16 KiB": 16 * 1024, "1 MiB": 1024**2, "16 MiB": 16 * 1024**2}
_HUGE = 2 * 1024**3
_CHUNK = bytes(1024 * 1024)
_PUBLIC = {"listRule": "", "viewRule": "", "createRule": "", "updateRule": "", "deleteRule": ""}


def run(environment: Environment, report: Report) -> None:
    folder = environment.scratch / "files"
    data = environment.copy("files/ours")
    port = free_port()
    command = [sys.executable, "-m", "bench.file_server", str(port), str(folder)]
    yardstick = Process(command, f"http://127.0.0.1:{port}", "/", environment.log, Path(__file__).parents[2])
    try:
        with pbhost(data, environment.log) as ours, yardstick as theirs:
            _make_collection(ours)
            _huge(ours, report)  # first, while no other load has left memory that this could use again
            for name, size in _SIZES.items():
                file = f"{size}.bin"
                (folder / file).write_bytes(bytes(size))
                path = _upload(ours, size)
                _compare(environment, report, name, (ours, Target(path)), (theirs, Target(f"/files/{file}")))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _compare(
    environment: Environment, report: Report, name: str, ours: tuple[Process, Target], theirs: tuple[Process, Target]
) -> None:
    report.say(f"download of {name}")
    results = interleaved(environment, {"FileResponse": theirs, "ours": ours})
    rate, of = middle(results["ours"]), middle(results["FileResponse"])
    note = f"{rate:,.0f}/s of {of:,.0f}/s; {details(results['ours'])}"
    report.add(Line(f"download of {name}", rate / of, 0.8, note=note))


def _huge(server: Process, report: Report) -> None:
    report.say("2 GiB up and down")
    path = ""

    def up() -> None:
        nonlocal path
        path = _upload(server, _HUGE)

    for name, work in (("upload of 2 GiB", up), ("download of 2 GiB", lambda: _download(server, path))):
        before = server.resident_mib()
        started = time.perf_counter()
        grown = _highest(server, work) - before
        seconds = time.perf_counter() - started
        note = f"from {before:.0f} MiB, {_HUGE / 1024**2 / seconds:,.0f} MiB/s"
        report.add(Line(f"memory for the {name}", grown, 64, at_most=True, unit=" MiB", note=note))


def _highest(server: Process, work: Callable[[], None]) -> float:
    """The greatest resident memory while something is done."""
    seen = [server.resident_mib()]
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            seen.append(server.resident_mib())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        work()
    finally:
        over.set()
        watcher.join()
    return max(seen)


def _make_collection(server: Process) -> None:
    email, password = SUPERUSER
    path = "/api/collections/_superusers/auth-with-password"
    signed_in = request(server.url + path, {"identity": email, "password": password})[1]
    body = {
        "name": "downloads",
        "type": "base",
        "fields": [{"name": "file", "type": "file", "maxSize": 2 * _HUGE}],
        **_PUBLIC,
    }
    status, answer = request(f"{server.url}/api/collections", body, headers={"Authorization": str(signed_in["token"])})
    if status != 200:
        raise SystemExit(f"the collection was not made: {answer}")


def _upload(server: Process, size: int) -> str:
    """Sends a file; returns the path of its download."""

    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
    tail = b"\r\n--b--\r\n"

    def body() -> Iterator[bytes]:
        yield head
        left = size
        while left:
            yield _CHUNK[: min(left, len(_CHUNK))]
            left -= min(left, len(_CHUNK))
        yield tail

    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=300)
    headers = {
        "Content-Type": "multipart/form-data; boundary=b",
        "Content-Length": str(len(head) + size + len(tail)),
    }
    connection.request("POST", "/api/collections/downloads/records", body(), headers)
    answer = connection.getresponse()
    record = json.loads(answer.read())
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"the upload was refused: {record}")
    return f"/api/files/downloads/{record['id']}/{record['file']}"


def _download(server: Process, path: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=300)
    connection.request("GET", path)
    answer = connection.getresponse()
    into = bytearray(len(_CHUNK))
    total = 0
    while count := answer.readinto(into):
        total += count
    connection.close()
    if (answer.status, total) != (200, _HUGE):
        raise SystemExit(f"the download has {total} bytes, status {answer.status}")
