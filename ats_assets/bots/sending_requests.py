"""What was confirmed is sent to the service under its key, and what has become of it is told: done, refused, or not known yet.

`look_after` finishes what was left: it sends again what got no answer, as of a bot that was killed in between, and tells who confirmed what has become of the rest.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from ats_assets.bots.client import ApiClient
from ats_assets.bots.confirmations import Confirmations, Confirmed
from ats_assets.bots.figures import amount
from ats_assets.bots.reply import Reply, said
from ats_assets.errors import BotError, ServiceRefusedError, ServiceUnreachableError

ENDED = frozenset({"done", "refused", "expired"})
WAIT_SECONDS = 6.0
"""For how long a person waits for the desk, which is another process, to take a request up."""
LOOK_SECONDS = 0.25


class RequestSender:
    """Sends what was confirmed.

    Parameters
    ----------
    wait_seconds
        How long to look what has become of a request before its state is told as it is.
    """

    def __init__(
        self, service: ApiClient, confirmations: Confirmations, clock: Callable[[], datetime], wait_seconds: float = WAIT_SECONDS
    ) -> None:
        self._service, self._confirmations, self._clock, self.wait_seconds = service, confirmations, clock, wait_seconds
        self._mine: set[int] = set()

    async def send(self, confirmed: Confirmed) -> Reply:
        """Send it, wait a little, and tell."""
        self._mine.add(confirmed.id)
        try:
            return await self._sent(confirmed)
        finally:
            self._mine.discard(confirmed.id)

    async def look_after(self) -> list[tuple[Confirmed, Reply]]:
        """Go on with what was confirmed and has not ended; what there is to tell, and of what."""
        again, old = await asyncio.to_thread(self._confirmations.unsent, self._clock())
        told = [(one, said("Given up", *one.summary, _GIVEN_UP)) for one in old]
        for one in again:
            if one.id not in self._mine:
                reply = await self.send(one)
                told += [(one, reply)] if reply.title != _UNKNOWN else []
        for one, request in await asyncio.to_thread(self._confirmations.under_way):
            if one.id not in self._mine and (reply := await self._what_became(one, request)):
                told.append((one, reply))
        return told

    async def _sent(self, confirmed: Confirmed) -> Reply:
        try:
            answer = await self._service.ask(confirmed.kind, confirmed.body, key=confirmed.key, on_behalf_of=confirmed.person)
            made = await self._confirm(answer["request"], answer.get("nonce"), confirmed)
        except ServiceRefusedError as error:
            await self._ended(confirmed, f"refused: {error}")
            return said("Refused", *confirmed.summary, str(error))
        except ServiceUnreachableError as error:
            return said(
                _UNKNOWN, *confirmed.summary, f"{error}. It is sent again under the same key, so that it happens once; you are told."
            )
        await asyncio.to_thread(self._confirmations.sent, confirmed, str(made["id"]), self._clock())
        return await self._followed(confirmed, made)

    async def _confirm(self, made: Mapping[str, Any], nonce: str | None, confirmed: Confirmed) -> Mapping[str, Any]:
        """Confirm it to the service, where that asks again: who confirmed it here has answered."""
        if not nonce:
            return made
        try:
            return await self._service.confirm(str(made["id"]), nonce, on_behalf_of=confirmed.person)
        except ServiceRefusedError:
            now = await self._service.read(f"requests/{made['id']}")  # another process of the bots may have come first
            if now["state"] in {"asked", "expired"}:
                raise
            return now

    async def _followed(self, confirmed: Confirmed, made: Mapping[str, Any]) -> Reply:
        loop = asyncio.get_running_loop()
        until = loop.time() + self.wait_seconds
        while made.get("state") not in ENDED and loop.time() < until:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                made = await self._service.read(f"requests/{made['id']}")
            except BotError:
                break
        if made.get("state") in ENDED:
            return await self._end(confirmed, made)
        if confirmed.kind == "halt":
            return said("Trading stops", *confirmed.summary, f"Request {made['id']} counts from now on, for any order of any process.")
        return said("Asked for", *confirmed.summary, f"Request {made['id']} waits for the desk; you are told what becomes of it.")

    async def _what_became(self, confirmed: Confirmed, request: str) -> Reply | None:
        try:
            made = await self._service.read(f"requests/{request}")
        except BotError:
            return None
        return await self._end(confirmed, made) if made.get("state") in ENDED else None

    async def _end(self, confirmed: Confirmed, made: Mapping[str, Any]) -> Reply:
        state, outcome = str(made["state"]), outcome_text(made)
        await self._ended(confirmed, f"{state}: {outcome}" if outcome else state)
        title = {"done": "Done", "refused": "Refused", "expired": "Expired: nobody took it up in time"}[state]
        return said(title, *confirmed.summary, *([outcome] if outcome else []), f"Request {made['id']}")

    async def _ended(self, confirmed: Confirmed, outcome: str) -> None:
        await asyncio.to_thread(self._confirmations.ended, confirmed, outcome, self._clock())


_UNKNOWN = "Not known yet"
_GIVEN_UP = (
    "The service could not be reached for too long after you confirmed it: it is not sent any more, and it is not known whether it had arrived. "
    "Look at /requests, and give the command again if it is not there."
)


def outcome_text(request: Mapping[str, Any]) -> str:
    """What a request has come to, in words.

    Examples
    --------
    >>> outcome_text({"reason": "halted", "order": None}), outcome_text({"reason": None})
    ('halted', '')
    >>> outcome_text({"order": {"client_order_id": "manual-1", "state": "filled", "filled_quantity": "10", "filled_average_price": "64.8059"}})
    'order manual-1 filled, 10 at 64.81'
    """
    told = [str(request["reason"])] if request.get("reason") else []
    if order := request.get("order"):
        filled = order.get("filled_average_price")
        price = f", {amount(order['filled_quantity'], None)} at {amount(filled)}" if filled else ""
        told.append(f"order {order['client_order_id']} {order['state']}{price}")
    return ", ".join(told)
