"""Where Stripe tells what was paid: one address, on this machine alone unless settings say otherwise. Somebody's proxy brings it to the internet.

1. A message whose signature is not ours is refused with 400. One that is ours but tells of nothing here is answered with 200, or Stripe would send it for days.
2. Its fact is on the disk before it is answered; if that fails the answer is 503, and Stripe sends it again.
3. The same message again adds nothing and is answered as the first.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from ats_assets.bots.payments.stripe_payments import checked_event, facts_of_event
from ats_assets.bots.subscriptions.payment_facts import PaymentFact, person_of
from ats_assets.bots.subscriptions.shop import Shop
from ats_assets.errors import AtsError, WebhookRefusedError

logger = logging.getLogger(__name__)

PATH = "/payments/stripe"
LARGEST = 512 * 1024
"""Bytes of a message."""
SEEN = "stripe told at"
"""The mark of the newest message that was ours."""


class WebhookServer:
    """The server.

    Parameters
    ----------
    secrets
        Of the webhook: one, or the old and the new one while they are exchanged.
    told
        Called with each new fact, after it is kept.
    """

    def __init__(
        self,
        shop: Shop,
        secrets: Sequence[str],
        told: Callable[[PaymentFact], Awaitable[None]],
        clock: Callable[[], datetime],
        *,
        host: str = "127.0.0.1",
        port: int = 8010,
    ) -> None:
        self._shop, self._secrets, self._told, self._clock = shop, tuple(secrets), told, clock
        self._host, self._port = host, port
        self._server: Any = None

    async def run(self) -> None:
        """Serve until `stop`."""
        import uvicorn  # noqa: PLC0415 - libraries of the extra

        config = uvicorn.Config(
            self.app(),
            host=self._host,
            port=self._port,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_keep_alive=10,
            limit_concurrency=64,
        )
        self._server = uvicorn.Server(config)
        self._server.install_signal_handlers = lambda: None
        await self._server.serve()

    async def stop(self) -> None:
        """End."""
        if self._server is not None:
            self._server.should_exit = True

    def app(self) -> Any:
        """The ASGI application."""
        from starlette.applications import Starlette  # noqa: PLC0415
        from starlette.routing import Route  # noqa: PLC0415

        return Starlette(routes=[Route(PATH, self._hear, methods=["POST"]), Route("/health", self._health, methods=["GET"])])

    async def _health(self, _: Any) -> Any:
        from starlette.responses import JSONResponse  # noqa: PLC0415

        return JSONResponse({"status": "ok", "stripe_told_at": await asyncio.to_thread(self._shop.store.mark, SEEN)})

    async def _hear(self, request: Any) -> Any:
        from starlette.responses import JSONResponse  # noqa: PLC0415

        payload = b""
        async for part in request.stream():
            payload += part
            if len(payload) > LARGEST:
                return JSONResponse({"error": "too large"}, 413)
        try:
            answer = await self.take(payload, request.headers.get("stripe-signature"))
        except WebhookRefusedError as error:
            logger.warning("a message to %s was refused: %s", PATH, error)
            return JSONResponse({"error": str(error)}, 400)
        except AtsError as error:
            logger.warning("a message of Stripe's could not be kept, and is asked for again: %s", error)
            return JSONResponse({"error": "try again"}, 503)
        return JSONResponse({"received": answer})

    async def take(self, payload: bytes, signature: str | None) -> str:
        """Take one message: `new`, `known` where it was told before, or `nothing` where it tells of nothing here.

        Raises
        ------
        WebhookRefusedError
            If it is not Stripe's.
        BotError
            If it can't be kept.
        """
        event = checked_event(payload, signature, self._secrets)
        return await asyncio.shield(self._kept(event))

    async def _kept(self, event: Any) -> str:
        now = self._clock()
        fact = await asyncio.to_thread(self._fact, event)
        await asyncio.to_thread(self._shop.store.set_mark, SEEN, now.isoformat())
        if fact is None:
            logger.info("Stripe tells of %s (%s), which is nothing here", event["type"], event["id"])
            return "nothing"
        if not await asyncio.to_thread(self._shop.tell, fact, now):
            return "known"
        await self._told(fact)
        return "new"

    def _fact(self, event: Any) -> PaymentFact | None:
        what = event["data"]["object"]
        known: dict[str, tuple[str, str]] = {}
        with self._shop.store.begin() as connection:
            for name, value in (
                ("subscription", what.get("id")),
                ("subscription", what.get("subscription")),
                ("customer", what.get("customer")),
            ):
                if isinstance(value, str) and value and (found := person_of(connection, **{name: value})):
                    known[value] = found
        return facts_of_event(event, known)
