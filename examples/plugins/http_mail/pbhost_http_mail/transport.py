"""Requests to the API: which failures are worth another attempt, and how long anybody waits for them."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import random
import uuid
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp

from pbhost.errors import JSON, ConfigError

log = logging.getLogger("pbhost.http_mail")

#: Requests at the same time: a burst of sign-ups must not become a burst of connections.
CONCURRENT = 16
#: The server was too busy, or still at work on the first attempt; what else is in the 400s will not change.
_PASSING = frozenset((408, 409, 425, 429))
_MAX_ERROR_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Api:
    """Where and how; times in seconds.

    Attributes:
        key: sent as a bearer token.
        attempts: of one mail; the delay between them doubles, from ``first_delay``.
        timeout: of one attempt.
        deadline: of a mail with all its attempts, for a request of a client may wait for it.
    """

    url: str
    key: str
    attempts: int
    first_delay: float
    timeout: float
    deadline: float


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why an attempt failed, whether another one may help, and the seconds that the API asks to wait."""

    reason: str
    passing: bool
    wait: float = 0.0


class Transport:
    """Posts JSON to the API."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._slots = asyncio.Semaphore(CONCURRENT)
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Opens the connection pool.

        Raises:
            ConfigError: the key would go over the network in the clear.
        """
        address = urlsplit(self._api.url)
        if address.scheme != "https" and not _is_loopback(address.hostname or ""):
            raise ConfigError("plugins.http_mail.url must start with https://: the API key is sent with each mail")
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._api.key}", "User-Agent": "pbhost-http-mail"},
            timeout=aiohttp.ClientTimeout(total=self._api.timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def stop(self) -> None:
        """Closes it."""
        if self._session is not None:
            await self._session.close()

    async def post(self, body: dict[str, JSON]) -> None:
        """Has the API accept a mail, once: every attempt carries the same idempotency key.

        Raises:
            OSError: it did not, within the attempts and the deadline.
        """
        key = str(uuid.uuid4())
        try:
            async with asyncio.timeout(self._api.deadline), self._slots:
                await self._attempts(body, key)
        except TimeoutError as error:
            raise OSError("the mail API did not accept the mail in time") from error

    async def _attempts(self, body: dict[str, JSON], key: str) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._api.deadline
        for attempt in range(1, self._api.attempts + 1):
            failure = await self._attempt(body, key)
            if failure is None:
                return
            # Spread, so that mails that failed together do not come back together.
            delay = self._api.first_delay * 2.0 ** (attempt - 1) * random.uniform(0.8, 1.2)  # noqa: S311
            delay = max(delay, failure.wait)
            log.info("mail %s, attempt %d: %s", key, attempt, failure.reason)
            if not failure.passing or attempt == self._api.attempts or loop.time() + delay > end:
                raise OSError(failure.reason)
            await asyncio.sleep(delay)

    async def _attempt(self, body: dict[str, JSON], key: str) -> _Failure | None:
        if self._session is None:
            return _Failure("the mailer was not started", passing=False)
        try:
            # A redirect would carry the key elsewhere.
            async with self._session.post(
                self._api.url, json=body, headers={"Idempotency-Key": key}, allow_redirects=False
            ) as answer:
                if 200 <= answer.status < 300:
                    return None
                said = (await answer.content.read(_MAX_ERROR_BYTES)).decode(errors="replace")
                after = answer.headers.get("Retry-After", "")
                return _Failure(
                    f"the mail API answered {answer.status}: {' '.join(said.split())[:300]}",
                    passing=answer.status in _PASSING or answer.status >= 500,
                    wait=float(after) if after.isascii() and after.isdigit() else 0.0,
                )
        except TimeoutError:
            return _Failure("the mail API did not answer in time", passing=True)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return _Failure(f"the mail API cannot be reached: {error}", passing=True)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
