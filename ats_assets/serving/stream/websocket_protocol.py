"""Uvicorn's WebSocket protocol, which lets go of a client that reads nothing.

Its own waits for such a client without end when it closes: what is sent is still to be read, and so is the close frame behind it. Here a close frame goes behind whatever waits,
and the connection is gone `ABORT_SECONDS` later, read or not.
"""

import socket
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from ats_assets.serving.stream.conversation import PUSH

if TYPE_CHECKING:
    from asyncio import BaseTransport

    from uvicorn._types import ASGISendEvent

SEND_BUFFER = 131_072
"""Bytes that the kernel keeps for a client that does not read; by itself it would keep megabytes for each before anybody notices."""
ABORT_SECONDS = 10.0
"""For which a client may still read why it is dropped."""


class LettingGo(WebSocketsSansIOProtocol):
    """Serves one connection: `uvicorn.Config(ws=LettingGo)`."""

    def connection_made(self, transport: "BaseTransport") -> None:
        """Begin."""
        if (connection := transport.get_extra_info("socket")) is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        super().connection_made(transport)

    async def send(self, message: "ASGISendEvent") -> None:
        """Send; a close frame waits for no reader."""
        if message["type"] == "websocket.close":
            self.writable.set()
        await super().send(message)

    def push(self, frame: bytes) -> bool:
        """Write a whole frame, which many clients share, where the connection takes it now; the way through ASGI costs twice as much for each."""
        if not self.writable.is_set() or self.close_sent or self.transport.is_closing():
            return False
        self.transport.write(frame)
        return True

    async def run_asgi(self) -> None:
        """Serve the connection, and see that it ends."""
        extensions: Any = self.scope.setdefault("extensions", {})
        extensions[PUSH] = self.push
        await super().run_asgi()
        self.loop.call_later(ABORT_SECONDS, self.transport.abort)
