"""One connection to the stream `trade_updates`, by alpaca-py's `TradingStream`. Importing it imports alpaca-py, which takes a second.

The library says what is sent and what is understood. Its own loop is not used: it repeats refused keys for ever, and logs a traceback for each attempt.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from alpaca.trading.stream import TradingStream
from typing_extensions import override

from ats_assets.vendors.alpaca.alpaca_keys import KEY_ID, SECRET_KEY
from ats_assets.vendors.alpaca.errors import AlpacaKeysError, AlpacaUnreachableError
from ats_assets.vendors.alpaca.transport import PLACEHOLDER
from ats_assets.vendors.credentials import VendorKey

TRADE_UPDATES = "trade_updates"
PING_SECONDS = 10.0
CLOSE_SECONDS = 0.5
"""Of each of the five steps in which websockets leaves a server that no longer answers."""

log = logging.getLogger(__name__)
_frames = logging.getLogger(f"{__name__}.frames")
_frames.setLevel(logging.WARNING)  # below, websockets logs each frame, and the first one holds the keys


class TradeStream(TradingStream):
    """Connects, shows the keys, listens; `follow` ends only by an error.

    Parameters
    ----------
    url
        Another server than Alpaca's; None: Alpaca's own.
    silence_seconds
        The connection is given up when the server says nothing for so long where it has to: to the handshake, the keys, the request to listen, and pings.
    heard
        Called, in the thread of the event loop, for each message, and for each frame that is none.
    """

    def __init__(
        self,
        key: VendorKey,
        *,
        live: bool,
        url: str | None,
        whose: str,
        silence_seconds: float,
        heard: Callable[[str], None],
        ping_seconds: float = PING_SECONDS,
    ) -> None:
        params = {
            "open_timeout": silence_seconds,
            "ping_interval": min(ping_seconds, silence_seconds),
            "ping_timeout": silence_seconds,
            "close_timeout": min(CLOSE_SECONDS, silence_seconds / 10),
            "logger": _frames,
        }
        super().__init__(PLACEHOLDER, PLACEHOLDER, paper=not live, raw_data=True, url_override=url, websocket_params=params)  # pyright: ignore[reportArgumentType]
        self._key = key
        self._whose = whose
        self._silence_seconds = silence_seconds
        self._heard = heard
        self.url = str(getattr(self._endpoint, "value", self._endpoint))
        self._is_listening: Callable[[], None] = lambda: None
        self.subscribe_trade_updates(self._update)

    async def follow(self) -> None:
        """Listen until the connection is lost.

        Raises
        ------
        AlpacaKeysError
            If the keys are refused.
        OSError, WebSocketException, AlpacaUnreachableError, ValueError, TypeError, AttributeError
            If the connection is refused or lost, or what answers is no such stream.
        """
        try:
            async with asyncio.timeout(self._silence_seconds) as limit:
                self._is_listening = lambda: limit.reschedule(None)
                await self._start_ws()
                while True:
                    try:
                        await self._consume()
                    except (ValueError, TypeError, AttributeError) as error:  # what was in that frame may have been an event
                        log.warning(
                            "Alpaca's trade stream sent a frame that is no message (%s): it counts as an event", type(error).__name__
                        )
                        self._heard("a frame that is no message")
        finally:
            await self.close()

    @override
    async def _auth(self) -> None:
        """As the library does it, but the keys are held only meanwhile, and shown to nobody but whom they are meant for."""
        asked = getattr(self._ws, "request_headers", {}).get("Host", "")
        host, meant = urlsplit(f"//{asked}").hostname, urlsplit(self.url).hostname
        if host != meant:
            raise AlpacaUnreachableError(f"the trade stream was led from {meant} to {host}: the keys are not sent there")
        self._api_key, self._secret_key = (part.reveal() for part in self._key.parts)
        try:
            await super()._auth()
        except ValueError as error:
            if str(error) == "failed to authenticate":
                raise self._refused() from None
            raise
        finally:
            self._api_key = self._secret_key = PLACEHOLDER

    @override
    async def _dispatch(self, msg: dict[str, Any]) -> None:
        stream, data = msg.get("stream"), msg.get("data") or {}
        if stream == "authorization" and data.get("status") != "authorized":
            raise self._refused()
        if stream == "listening":
            if TRADE_UPDATES not in data.get("streams", ()):
                raise AlpacaUnreachableError(f"Alpaca does not offer the stream {TRADE_UPDATES} now")
            self._is_listening()
            self._heard("listening")
        await super()._dispatch(msg)

    async def _update(self, msg: Any) -> None:
        data = msg.get("data")
        self._heard(str(data.get("event")) if isinstance(data, dict) else "an event without data")

    def _refused(self) -> AlpacaKeysError:
        return AlpacaKeysError(
            f"Alpaca's trade stream refuses the keys. {KEY_ID} and {SECRET_KEY} are wrong, expired, or not those of {self._whose}: look at both, make new ones "
            "at Alpaca if need be, and check alpaca.account",
            status=401,
            code=None,
            reason="unauthorized",
        )
