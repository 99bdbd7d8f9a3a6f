"""The client of the service's HTTP API: the one way in which bots learn anything and ask for anything.

Reads are tried again where the service can't be reached, is busy or is starting; a write is sent once, under a key by which the service takes it once: whether an
answer that got lost meant yes is found by sending the same again.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ats_assets.errors import BotError, ServiceRefusedError, ServiceUnreachableError

TRIES = 3
PAUSE_SECONDS = 0.4
TIMEOUT_SECONDS = 10.0
WRITE_SECONDS = 15.0
LONGEST_PAUSE_SECONDS = 5.0
_BUSY = frozenset({429, 502, 503, 504})
PREFIX = "/api/v1/"


class ApiClient:
    """The service, as one key of it may see it. To be used in one event loop, and closed.

    Parameters
    ----------
    address
        Such as `http://127.0.0.1:8000`.
    key
        The API key; None where the service lets this machine read without one.
    pause
        What waits between two tries, in seconds.
    transport
        Of httpx, where the service is not asked over a socket.
    """

    def __init__(
        self, address: str, key: str | None, *, pause: Callable[[float], Awaitable[None]] = asyncio.sleep, transport: Any = None
    ) -> None:
        import httpx  # noqa: PLC0415 - a library of the extra

        self.address = address.rstrip("/")
        self._pause = pause
        self._faults = (httpx.TransportError, httpx.InvalidURL)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.AsyncClient(
            base_url=self.address, headers=headers, timeout=TIMEOUT_SECONDS, follow_redirects=False, transport=transport
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def read(self, path: str, **parameters: object) -> Any:
        """What a path below `/api/v1/` answers, as JSON.

        Raises
        ------
        ServiceRefusedError
            If the service refuses: what is asked for does not exist, or the key may not see it.
        ServiceUnreachableError
            If it gives no answer after several tries.
        """
        return _json(await self._read(PREFIX + path, parameters), path)

    async def every(self, path: str, most: int, **parameters: object) -> list[Any]:
        """The rows of a list, over its pages, at most so many."""
        found: list[Any] = []
        cursor: str | None = None
        while len(found) < most:
            page = await self.read(path, **parameters, limit=most, cursor=cursor)
            found += page["data"]
            cursor = page.get("next")
            if not cursor or not page["data"]:
                break
        return found[:most]

    async def picture(self, path: str, **parameters: object) -> bytes:
        """A picture."""
        return (await self._read(PREFIX + path, parameters)).content

    async def health(self) -> Any:
        """What `/ready` answers; not being ready is an answer, too."""
        answer = await self._read("/ready", {}, busy=frozenset({429, 502, 504}), good=frozenset({200, 503}))
        return _json(answer, "ready")

    async def ask(self, kind: str, body: Mapping[str, Any], *, key: str, on_behalf_of: str) -> dict[str, Any]:
        """Make a request of the service, once; its answer has the request, and the nonce that confirms it where it needs one.

        Parameters
        ----------
        key
            By which the service knows that it is the same request, however often it is sent.
        on_behalf_of
            The person who confirmed it, such as `telegram:123`.

        Raises
        ------
        ServiceRefusedError
            If the service refuses it: nothing was asked for.
        ServiceUnreachableError
            If there was no answer: the request may have arrived, or not.
        """
        content = {"kind": kind, "body": dict(body)}
        headers = {"Idempotency-Key": key, "X-On-Behalf-Of": on_behalf_of}
        return await self._write("requests", content, headers)

    async def confirm(self, request: str, nonce: str, *, on_behalf_of: str) -> dict[str, Any]:
        """Confirm a request by the nonce that the service gave with it."""
        return await self._write(f"requests/{request}/confirm", {"nonce": nonce}, {"X-On-Behalf-Of": on_behalf_of})

    async def _write(self, path: str, content: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                answer = await self._http.post(PREFIX + path, json=content, headers=dict(headers))
        except (*self._faults, TimeoutError) as fault:
            raise ServiceUnreachableError(
                f"the service gave no answer ({type(fault).__name__}): whether it has the request is not known yet"
            ) from None
        if answer.is_success:
            return _json(answer, path)
        if answer.status_code >= 500:
            raise ServiceUnreachableError(f"the service failed ({answer.status_code}): whether it has the request is not known yet")
        raise _refusal(answer)

    async def _read(
        self, path: str, parameters: Mapping[str, object], *, busy: frozenset[int] = _BUSY, good: frozenset[int] = frozenset({200})
    ) -> Any:
        given = {name: str(value) for name, value in parameters.items() if value is not None}
        why = ""
        for number in range(1, TRIES + 1):
            wait = PAUSE_SECONDS * 2 ** (number - 1) * (1 + random.random() / 4)  # noqa: S311 - so that bots don't come all at once
            try:
                answer = await self._http.get(path, params=given)
            except self._faults as fault:
                why = f"the service at {self.address} can't be reached ({type(fault).__name__})"
            else:
                if answer.status_code in good:
                    return answer
                if answer.status_code not in busy:
                    raise _refusal(answer)
                why = f"the service is busy or starting ({answer.status_code})"
                wait = max(wait, _seconds(answer.headers.get("Retry-After")))
            if number < TRIES and wait <= LONGEST_PAUSE_SECONDS:
                await self._pause(wait)
            else:
                break
        raise ServiceUnreachableError(f"{why}: try again in a minute; `ats serve` starts it")


def _json(answer: Any, path: str) -> Any:
    try:
        return answer.json()
    except ValueError:
        raise BotError(f"the service's answer to {path} is no JSON: is bots.service the address of `ats serve`?") from None


def _refusal(answer: Any) -> BotError:
    """The service's own words (RFC 9457), or its status where it has none."""
    try:
        problem = answer.json()
        told = str(problem.get("detail") or problem.get("title") or "")
    except (ValueError, AttributeError):
        told = ""
    if answer.status_code >= 500:
        return ServiceUnreachableError(told or f"the service failed ({answer.status_code}): its log says why")
    if answer.status_code == 401:
        return ServiceRefusedError("the service does not take the bots' API key: make one with `ats serve key add`, and set BOTS_API_KEY")
    return ServiceRefusedError(told or f"the service refuses ({answer.status_code})")


def _seconds(text: str | None) -> float:
    try:
        return max(0.0, float(text or 0))
    except ValueError:
        return 0.0
