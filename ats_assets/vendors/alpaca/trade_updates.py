"""The stream of an account's order events, in a thread of its own, connected again whenever it is lost."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Self

from websockets.exceptions import WebSocketException

from ats_assets.settings import Settings
from ats_assets.vendors.alpaca.alpaca_keys import Credentials, KeyChoice
from ats_assets.vendors.alpaca.audited_stream import audited_stream
from ats_assets.vendors.alpaca.clients import is_live
from ats_assets.vendors.alpaca.errors import AlpacaUnreachableError
from ats_assets.vendors.backoff import Backoff
from ats_assets.vendors.credentials import VendorKey
from ats_assets.vendors.open_vendor import open_state

if TYPE_CHECKING:
    from ats_assets.vendors.alpaca.trade_stream import TradeStream

STEADY_SECONDS = 60.0
"""A connection that lasted so long worked: the next one is tried soon. One that is cut at once each time is not."""
MAX_WAIT_SECONDS = 60.0
ASK_AGAIN_SECONDS = 1.0
"""Whoever leaves asks the connection so often to end."""

log = logging.getLogger(__name__)


class TradeUpdates:
    """Order events of the account, while the block is open. They may be lost, come twice or in any order, so only that something happened is told.

    Parameters
    ----------
    heard
        Called with the event's name (`fill`, `canceled` …), and with `listening` after each connection, since events before it are lost. It is called in
        another thread, with None at the end, and must neither block nor raise.
    backoff
        Between two connections: its back-off.

    Raises
    ------
    SettingsError
        If alpaca.account is live, but orders.live is not true.
    """

    def __init__(
        self, settings: Settings, credentials: Credentials, heard: Callable[[str | None], None], *, backoff: Backoff | None = None
    ) -> None:
        self._settings = settings
        self._live = is_live(settings)
        self._state = open_state(settings)
        self._keys = KeyChoice(credentials, self._state)
        self._heard = heard
        self._backoff = backoff or Backoff(max_seconds=MAX_WAIT_SECONDS)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="trade-updates")
        self._stop: Future[Callable[[], None]] = Future()
        self._ended: Future[None] | None = None

    def __enter__(self) -> Self:
        self._ended = self._pool.submit(asyncio.run, self._until_stopped())
        self._ended.add_done_callback(lambda _: self._heard(None))
        return self

    def __exit__(self, *_: object) -> None:
        if self._ended is not None and not self._ended.done():
            stop = self._stop.result(timeout=60)
            # Once is not enough: `asyncio.wait_for` of Python 3.11, by which messages are read, loses a cancellation that comes together with one.
            while not self._ended.done():
                with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                    stop()
                wait([self._ended], timeout=ASK_AGAIN_SECONDS)
        self._pool.shutdown(wait=True)

    def check(self) -> None:
        """Raise what has ended the stream.

        Raises
        ------
        AlpacaKeysError
            If the keys are refused.
        """
        if self._ended is not None and self._ended.done():
            self._ended.result()

    async def _until_stopped(self) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        if task is None:
            raise AssertionError("a coroutine that runs has a task")
        self._stop.set_result(lambda: loop.call_soon_threadsafe(task.cancel) and None)
        with contextlib.suppress(asyncio.CancelledError):
            await self._connect_again_and_again()

    async def _connect_again_and_again(self) -> None:
        failures = 0
        while True:
            started = time.monotonic()
            key = self._keys.now()
            if key is None:
                raise AssertionError("the stream has keys")
            try:
                await self._followed(key)
            except (OSError, WebSocketException, AlpacaUnreachableError, ValueError, TypeError, AttributeError) as error:
                failures = 1 if time.monotonic() - started >= STEADY_SECONDS else failures + 1
                seconds = self._backoff.seconds(failures + 1)
                log.warning("Alpaca's trade stream is lost (%s): connecting again in %.1f s", _kind(error), seconds)
                await asyncio.sleep(seconds)

    async def _followed(self, key: VendorKey) -> None:
        stream = self._connection(key)
        with audited_stream(self._state, self._keys, stream.url, key):
            await stream.follow()

    def _connection(self, key: VendorKey) -> "TradeStream":
        from ats_assets.vendors.alpaca.trade_stream import TradeStream  # noqa: PLC0415

        alpaca = self._settings.alpaca
        return TradeStream(
            key,
            live=self._live,
            url=alpaca.stream_url,
            whose=f"the {alpaca.account} account",
            silence_seconds=alpaca.timeout_seconds,
            heard=self._heard,
        )


def _kind(error: Exception) -> str:
    """The error's name and number: in its text are the server's words, and these may be what it was sent."""
    if isinstance(error, AlpacaUnreachableError):
        return str(error)
    number = getattr(error, "status_code", None) or getattr(getattr(error, "rcvd", None), "code", None)
    return f"{type(error).__name__} {number}" if number else type(error).__name__
