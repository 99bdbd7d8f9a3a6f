"""One client's connection: it says what it wants, and who it is where no cookie or header has said so; then it is sent that until one of both sides ends it."""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from starlette.websockets import WebSocket, WebSocketDisconnect

from ats_assets.serving.problems import Problem
from ats_assets.serving.roles import Caller
from ats_assets.serving.stream.client_messages import MalformedError, Subscribe, UnknownTopicError, Unsubscribe, role_of, understood
from ats_assets.serving.stream.closing import MALFORMED, NO_KEY, NO_TOPIC, NOT_ALLOWED, SILENT, TOO_LARGE, TOO_OFTEN, Close
from ats_assets.serving.stream.fanout import Fanout, NotNowError
from ats_assets.serving.stream.listener import Listener
from ats_assets.settings import StreamSettings

PUSH = "ats.push"
"""The extension of a server that writes a frame at once (`websocket_protocol`); others are given texts one by one."""
MOST_MESSAGES, IN_SECONDS = 40, 10.0
"""That a client may send."""
CLOSE_SECONDS = 1.0
"""For which a close frame waits for a client that reads nothing; then the connection goes without it."""


@dataclass(frozen=True, kw_only=True)
class Doorkeeper:
    """Who is let in.

    Attributes
    ----------
    known
        Who the connection's headers have shown, or nobody.
    recognised
        Who shows a key. It raises `Problem` where it opens nothing.
    still
        Who that is now: nobody, once the key has ended.
    """

    known: Caller
    recognised: Callable[[str], Caller]
    still: Callable[[Caller], Caller]


async def converse(websocket: WebSocket, fanout: Fanout, door: Doorkeeper, settings: StreamSettings) -> None:
    """Serve one client until it leaves, or is dropped."""
    await websocket.accept()
    push = websocket.scope.get("extensions", {}).get(PUSH, lambda _: False)
    listener = Listener(settings.max_queued_messages, settings.max_queued_bytes, push=push)
    tasks: list[asyncio.Task[None]] = []
    close: Close | None = None
    try:
        if fanout.join(listener):
            conversation = _Conversation(websocket, fanout, door, settings, listener)
            tasks = [asyncio.create_task(conversation.hear()), asyncio.create_task(listener.send_all(websocket.send_text))]
            await asyncio.wait([*tasks, listener.dropped], return_when=asyncio.FIRST_COMPLETED)
        close = listener.dropped.result() if listener.dropped.done() else None
    finally:
        fanout.leave(listener)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if close is not None:
        with contextlib.suppress(TimeoutError, RuntimeError, WebSocketDisconnect):  # it is gone already
            await asyncio.wait_for(websocket.close(close.code, close.reason), CLOSE_SECONDS)


class _Conversation:
    """What a client says."""

    def __init__(self, websocket: WebSocket, fanout: Fanout, door: Doorkeeper, settings: StreamSettings, listener: Listener) -> None:
        self._websocket, self._fanout, self._door, self._settings, self._listener = websocket, fanout, door, settings, listener
        self._caller = door.known
        self._said: deque[float] = deque(maxlen=MOST_MESSAGES)
        listener.allowed = self._ended

    async def hear(self) -> None:
        """Take what the client says until it leaves."""
        try:
            async with asyncio.timeout(self._settings.first_message_seconds):
                text = await self._text()
            while text is not None:
                await self._answer(text)
                text = await self._text()
        except TimeoutError:
            self._listener.drop(SILENT)
        except WebSocketDisconnect:
            return

    async def _answer(self, text: str) -> None:
        try:
            message = understood(text, self._settings.max_topics)
        except MalformedError as error:
            self._listener.drop(Close(MALFORMED.code, str(error)))
        except UnknownTopicError as error:
            if not self._listener.topics:
                self._listener.drop(NO_TOPIC)
            self._refuse("unknown_topic", str(error))
        else:
            if isinstance(message, Unsubscribe):
                self._fanout.unsubscribe(self._listener, message.topics)
            elif self._lets_in(message):
                await self._subscribe(message)

    async def _text(self) -> str | None:
        """The next message; None where the client is dropped for it."""
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        now = asyncio.get_running_loop().time()
        if len(self._said) == MOST_MESSAGES and now - self._said[0] < IN_SECONDS:
            self._listener.drop(TOO_OFTEN)
            return None
        self._said.append(now)
        text = message.get("text")
        if text is None:
            self._listener.drop(MALFORMED)
        elif len(text.encode(errors="surrogatepass")) > self._settings.max_message_bytes:
            self._listener.drop(TOO_LARGE)
        else:
            return text
        return None

    def _lets_in(self, message: Subscribe) -> bool:
        """Whether the client may hear what it asks for; it is dropped where it may not."""
        if message.key is not None:
            try:
                self._caller = self._door.recognised(message.key)
            except Problem as problem:
                self._listener.drop(Close(NO_KEY.code, problem.kind))
                return False
        refused = self._ended() or self._refused(message.topics)
        if refused is not None:
            self._listener.drop(refused)
        return refused is None

    def _ended(self) -> Close | None:
        return self._refused(tuple(self._listener.topics), self._door.still(self._caller))

    def _refused(self, topics: tuple[str, ...], caller: Caller | None = None) -> Close | None:
        caller = caller or self._caller
        if all(caller.role.includes(role_of(topic)) for topic in topics):
            return None
        return NO_KEY if not caller.name else NOT_ALLOWED

    async def _subscribe(self, message: Subscribe) -> None:
        new = [topic for topic in message.topics if topic not in self._listener.topics]
        if len(self._listener.topics) + len(new) > self._settings.max_topics:
            self._refuse("too_many", f"a client may have {self._settings.max_topics} topics (serving.stream.max_topics)")
            return
        await asyncio.gather(*(self._subscribe_to(topic, message.after.get(topic)) for topic in new))

    async def _subscribe_to(self, topic: str, after: str | None) -> None:
        try:
            await self._fanout.subscribe(self._listener, topic, after)
        except NotNowError as error:
            self._refuse("not_now", str(error), topic)

    def _refuse(self, code: str, told: str, topic: str | None = None) -> None:
        self._listener.answer(json.dumps({"type": "error", "code": code, "message": told} | ({"topic": topic} if topic else {})))
