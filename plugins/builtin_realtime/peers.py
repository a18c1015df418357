"""Talking to the other workers of the same server: a client may post to a process that does not hold its stream."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from pbhost.errors import JSON

if TYPE_CHECKING:
    from builtin_realtime.service import Broker

log = logging.getLogger("pbhost.realtime")

#: A question to another worker of this machine that takes longer than this means the worker is stuck or gone.
ANSWER_SECONDS = 3.0
MAX_LINE = 8 * 1024 * 1024


class Peers:
    """One unix socket per worker in the server's runtime directory; one JSON line each way per question."""

    def __init__(self, runtime_dir: Path | None, worker: int, broker: Broker) -> None:
        self._directory = runtime_dir
        self._path = None if runtime_dir is None else runtime_dir / f"realtime-{worker}.sock"
        self._broker = broker
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listens, if there are other workers at all."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._serve, self._path, limit=MAX_LINE)

    async def stop(self) -> None:
        """Stops listening."""
        if self._server is not None and self._path is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def ask(self, question: str, arguments: Mapping[str, JSON]) -> dict[str, JSON] | None:
        """The first answer of another worker that knows one, or None."""
        answers = await self._ask_all(question, arguments)
        return next((answer for answer in answers if answer.get("known")), None)

    async def tell_all(self, question: str, arguments: Mapping[str, JSON]) -> None:
        """Tells every other worker; one that cannot be reached has no clients to tell."""
        await self._ask_all(question, arguments)

    async def _ask_all(self, question: str, arguments: Mapping[str, JSON]) -> list[dict[str, JSON]]:
        if self._directory is None:
            return []
        line = orjson.dumps({"question": question, **arguments}) + b"\n"
        others = [path for path in sorted(self._directory.glob("realtime-*.sock")) if path != self._path]
        answers = []
        for path in others:
            with suppress(OSError, TimeoutError, orjson.JSONDecodeError):
                async with asyncio.timeout(ANSWER_SECONDS):
                    answers.append(await _exchange(path, line))
        return answers

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            message = orjson.loads(await reader.readline())
            writer.write(orjson.dumps(await self._answer(message)) + b"\n")
            await writer.drain()
        except (OSError, orjson.JSONDecodeError, ValueError) as error:
            log.warning("a message of another worker could not be read: %s", error)
        finally:
            writer.close()

    async def _answer(self, message: dict[str, JSON]) -> dict[str, JSON]:
        broker = self._broker
        match message.get("question"):
            case "send":
                broker.send_here(str(message["topic"]), orjson.dumps(message["data"]))
                return {"known": True}
            case "deliver_once":
                client_id = str(message["client"])
                if broker.client(client_id) is None:
                    return {"known": False}
                sent = broker.deliver_here(client_id, str(message["topic"]), message["data"], ip=str(message["ip"]))
                return {"known": True, "sent": sent}
            case "subscribe":
                client = broker.client(str(message["client"]))
                if client is None:
                    return {"known": False}
                from builtin_realtime.subscribe import subscribe_for_peer

                return await subscribe_for_peer(broker, client, message)
        return {"known": False}


async def _exchange(path: Path, line: bytes) -> dict[str, JSON]:
    reader, writer = await asyncio.open_unix_connection(path, limit=MAX_LINE)
    try:
        writer.write(line)
        await writer.drain()
        answer = orjson.loads(await reader.readline())
        return answer if isinstance(answer, dict) else {}
    finally:
        writer.close()
