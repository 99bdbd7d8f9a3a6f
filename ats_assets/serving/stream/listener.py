"""One client as the fan-out sees it: a queue that has an end, and what is sent of it."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from ats_assets.serving.stream.closing import SLOW_READER, Close

SendText = Callable[[str], Awaitable[None]]
Push = Callable[[bytes], bool]
"""Writes a frame at once where the connection takes it; says whether it did."""


class Told:
    """A message for many clients: its text, and its frame, made once."""

    __slots__ = ("frame", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.frame = text_frame(text)


def text_frame(text: str) -> bytes:
    r"""A text as a server's WebSocket frame (RFC 6455, section 5.2): not masked, not compressed.

    Examples
    --------
    >>> text_frame("hi")
    b'\x81\x02hi'
    """
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    return (b"\x81\x7e" + size.to_bytes(2) if size < 65_536 else b"\x81\x7f" + size.to_bytes(8)) + payload


class Listener:
    """Hears topics.

    Parameters
    ----------
    most_messages, most_bytes
        That may wait to be sent, beside what it has asked for itself; with more it is dropped.
    push
        A way past the queue while that is empty, where the server has one.
    """

    def __init__(self, most_messages: int, most_bytes: int, *, push: Push = lambda _: False) -> None:
        self._most_messages, self._most_bytes, self._push = most_messages, most_bytes, push
        self.allowed: Callable[[], Close | None] = lambda: None
        """Why it may hear nothing any more, such as a key that was revoked; None while it may."""
        self.topics: set[str] = set()
        self._waiting: deque[tuple[str, bool]] = deque()
        self._messages = self._bytes = 0
        self._there = asyncio.Event()
        self._began_at: float | None = None
        self.dropped: asyncio.Future[Close] = asyncio.get_running_loop().create_future()
        """Done once the connection is to be closed."""

    def tell(self, told: Told) -> None:
        """Send a message once those before it are sent; a client that lags is dropped instead."""
        if self.dropped.done() or (not self._waiting and self._began_at is None and self._push(told.frame)):
            return
        self._messages += 1
        self._bytes += len(told.text)
        if self._messages > self._most_messages or self._bytes > self._most_bytes:
            self.drop(SLOW_READER)
            return
        self._waiting.append((told.text, True))
        self._there.set()

    def answer(self, text: str) -> None:
        """Send what was asked for: it does not count, however long it is."""
        if not self.dropped.done():
            self._waiting.append((text, False))
            self._there.set()

    def drop(self, close: Close) -> None:
        """Send nothing more, and close."""
        if not self.dropped.done():
            self.dropped.set_result(close)
            self._waiting.clear()

    def stalls_since(self) -> float | None:
        """Since when (of the loop's clock) one message is being sent; None where none is."""
        return self._began_at

    async def send_all(self, send: SendText) -> None:
        """Send what waits, until it is cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            while self._waiting:
                text, counts = self._waiting.popleft()
                self._began_at = clock()
                await send(text)
                self._began_at = None
                if counts:
                    self._messages -= 1
                    self._bytes -= len(text)
            self._there.clear()
            await self._there.wait()
