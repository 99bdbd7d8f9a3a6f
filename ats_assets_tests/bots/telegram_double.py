"""Telegram's Bot API over HTTP, as far as the bots use it: what it answers is checked by aiogram's own models, what it is sent against the published limits.

Faults are asked for by name: a connection that ends before or after a call is taken, too many requests, an update that is delivered again, or before another.
"""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ats_assets.bots.reception import Reception

if TYPE_CHECKING:
    from ats_assets.bots.telegram_front import TelegramFront

TOKEN = "7712345678:AAHk9vQz3xJ5pLr2TnWq8sYbCdEfGhIjKlM"
BOT = {"id": 7712345678, "is_bot": True, "first_name": "ATS", "username": "ats_test_bot"}


def a_front(token: str, reception: Reception, **options: Any) -> "TelegramFront":
    """The bot itself. Aiogram takes seconds to import, so only who runs it does: each process of the tests collects all of their files."""
    from ats_assets.bots.telegram_front import TelegramFront  # noqa: PLC0415 - see above

    return TelegramFront(token, reception, **options)


def _judge(kind: str, content: dict[str, Any]) -> None:
    """By the model that aiogram has of it."""
    from aiogram import types  # noqa: PLC0415 - see above

    getattr(types, kind).model_validate(content)


@dataclass
class Fault:
    """What goes wrong with the next calls of a method.

    Attributes
    ----------
    before
        Whether the call is not taken; otherwise it is, and the answer is lost.
    """

    kind: str
    before: bool = True
    seconds: int = 1


@dataclass
class TelegramDouble:
    """The service."""

    address: str = ""
    updates: list[dict[str, Any]] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    """What the bot said: method, chat, text, buttons."""
    calls: list[str] = field(default_factory=list)
    offsets: list[int | None] = field(default_factory=list)
    again: int = 0
    """How many further times updates that were confirmed are delivered."""
    made: int = 0
    """How many updates there were."""
    _faults: dict[str, deque[Fault]] = field(default_factory=dict)
    _next_update: int = 871000001
    _next_message: int = 10
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _confirmed: list[dict[str, Any]] = field(default_factory=list)

    def fail(self, method: str, *faults: Fault) -> None:
        """The next calls of a method go wrong in this order."""
        self._faults.setdefault(method.lower(), deque()).extend(faults)

    def message(self, text: str, *, sender: int | None = 101, chat: int | None = None, at: datetime | None = None, **more: Any) -> int:
        """Somebody writes; the id of the update."""
        chat = sender if chat is None else chat
        assert chat is not None
        kind = {"id": chat, "type": "private", "first_name": "Ada"} if chat > 0 else {"id": chat, "type": "supergroup", "title": "Desk"}
        message = {"message_id": self._message_id(), "date": int((at or datetime.now(UTC)).timestamp()), "chat": kind, "text": text}
        if sender is not None:
            message["from"] = {"id": sender, "is_bot": False, "first_name": "Ada"}
        return self._add({"message": message | more})

    def press(self, data: str, *, sender: int = 101, message: dict[str, Any]) -> int:
        """Somebody presses a button of a message that the bot sent."""
        query = {
            "id": str(self._next_update),
            "from": {"id": sender, "is_bot": False, "first_name": "Ada"},
            "chat_instance": "1",
            "data": data,
        }
        return self._add({"callback_query": query | {"message": message["message"]}})

    def texts(self, chat: int | None = None) -> list[str]:
        """What was said, edits and pop-ups included."""
        return [one["text"] for one in self.sent if chat is None or one["chat"] == chat]

    async def said(self, part: str, *, seconds: float = 5) -> dict[str, Any]:
        """Wait until something was said; the newest that holds it."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    for one in reversed(self.sent):
                        if part in one["text"]:
                            return one
                    await asyncio.sleep(0.005)
        except TimeoutError:
            raise AssertionError(f"{part!r} was not said, but: {self.texts()}") from None

    def _message_id(self) -> int:
        self._next_message += 1
        return self._next_message

    def _add(self, content: dict[str, Any]) -> int:
        update = {"update_id": self._next_update, **content}
        _judge("Update", update)
        self._next_update += 1
        self.updates.append(update)
        self.made += 1
        self._news.set()
        return update["update_id"]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a call."""
        method = request.match_info["method"].lower()
        if request.match_info["token"] != TOKEN:
            return _error(401, "Unauthorized")
        form = dict((await request.post()).items())
        self.calls.append(method)
        fault = self._faults[method].popleft() if self._faults.get(method) else None
        if fault and fault.before:
            return await self._go_wrong(fault, request)
        answer = await self._answer(method, form)
        return await self._go_wrong(fault, request) if fault else answer

    async def _go_wrong(self, fault: Fault, request: web.Request) -> web.StreamResponse:
        if fault.kind == "cut":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if fault.kind == "too many":
            return _error(429, f"Too Many Requests: retry after {fault.seconds}", parameters={"retry_after": fault.seconds})
        if fault.kind == "nonsense":
            return web.Response(text=f"<html>proxy error while asking {request.url}</html>", status=502, content_type="text/html")
        return _error(
            int(fault.kind), "Conflict: terminated by other getUpdates request" if fault.kind == "409" else "Internal Server Error"
        )

    async def _answer(self, method: str, form: dict[str, Any]) -> web.StreamResponse:
        if method == "getme":
            return _ok(BOT)
        if method in {"deletewebhook", "setmycommands", "answercallbackquery"}:
            if method == "answercallbackquery" and form.get("text"):
                assert len(form["text"]) <= 200
                self.sent.append({"method": method, "chat": None, "text": form["text"], "buttons": []})
            if method == "setmycommands":
                self.sent.append({"method": method, "chat": None, "text": form["commands"], "buttons": []})
            return _ok(True)
        if method == "answerprecheckoutquery":
            self.sent.append(
                {"method": method, "chat": None, "text": form.get("error_message", "ok"), "buttons": [], "ok": form["ok"] == "true"}
            )
            return _ok(True)
        if method == "sendinvoice":
            return self._invoice(form)
        if method == "getupdates":
            return await self._get_updates(form)
        return self._take(method, form)

    async def _get_updates(self, form: dict[str, Any]) -> web.StreamResponse:
        offset = int(form["offset"]) if form.get("offset") else None
        self.offsets.append(offset)
        if offset is not None:
            self._confirmed += [one for one in self.updates if one["update_id"] < offset]
            self.updates = [one for one in self.updates if one["update_id"] >= offset]
        if self.again and self._confirmed:
            self.again -= 1
            return _ok([*self._confirmed, *self.updates])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(float(form.get("timeout", 0))):
                while not self.updates:
                    self._news.clear()
                    await self._news.wait()
        return _ok(self.updates[: int(form.get("limit", 100))])

    def _invoice(self, form: dict[str, Any]) -> web.StreamResponse:
        prices = json.loads(form["prices"])
        if not 1 <= len(form["title"]) <= 32 or not 1 <= len(form["description"]) <= 255 or len(form["payload"].encode()) > 128:
            return _error(400, "Bad Request: invoice is wrong")
        if form["currency"] == "XTR" and (form.get("provider_token") or len(prices) != 1):
            return _error(400, "Bad Request: STARS_INVOICE_INVALID")
        total = sum(price["amount"] for price in prices)
        shown = {
            "title": form["title"],
            "description": form["description"],
            "start_parameter": "",
            "currency": form["currency"],
            "total_amount": total,
        }
        message = {
            "message_id": self._message_id(),
            "date": int(datetime.now(UTC).timestamp()),
            "chat": {"id": int(form["chat_id"]), "type": "private"},
            "from": BOT,
            "invoice": shown,
        }
        _judge("Message", message)
        self.sent.append(
            {
                "method": "sendinvoice",
                "chat": int(form["chat_id"]),
                "text": form["title"],
                "buttons": [],
                "payload": form["payload"],
                **shown,
            }
        )
        return _ok(message)

    def ask_to_pay(self, invoice: dict[str, Any], *, sender: int, **changes: Any) -> int:
        """Somebody presses Pay: Telegram asks whether it may take the money."""
        user = {"id": sender, "is_bot": False, "first_name": "Ada"}
        query = {
            "id": str(self._next_update),
            "from": user,
            "currency": invoice["currency"],
            "total_amount": invoice["total_amount"],
            "invoice_payload": invoice["payload"],
        }
        return self._add({"pre_checkout_query": query | changes})

    def pay(self, invoice: dict[str, Any], *, sender: int, charge: str = "charge-1") -> int:
        """Telegram has the money, and says so in the chat."""
        paid = {"currency": invoice["currency"], "total_amount": invoice["total_amount"], "invoice_payload": invoice["payload"]}
        paid |= {"telegram_payment_charge_id": charge, "provider_payment_charge_id": "p-1"}
        message = {
            "message_id": self._message_id(),
            "date": int(datetime.now(UTC).timestamp()),
            "chat": {"id": sender, "type": "private", "first_name": "Ada"},
        }
        return self._add({"message": message | {"from": {"id": sender, "is_bot": False, "first_name": "Ada"}, "successful_payment": paid}})

    def _take(self, method: str, form: dict[str, Any]) -> web.StreamResponse:
        chat = int(form["chat_id"])
        text = str(form.get("text", form.get("caption", "")))
        if method in {"sendmessage", "editmessagetext"} and not text:
            return _error(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le")) // 2 > (1024 if method == "sendphoto" else 4096):
            return _error(400, "Bad Request: message is too long")
        if form.get("parse_mode") == "HTML" and not is_html(text):
            return _error(400, "Bad Request: can't parse entities: unsupported start tag")
        keyboard = json.loads(form["reply_markup"])["inline_keyboard"] if form.get("reply_markup") else []
        buttons = [button for row in keyboard for button in row]
        if any(len(button["callback_data"].encode()) > 64 for button in buttons):
            return _error(400, "Bad Request: BUTTON_DATA_INVALID")
        message: dict[str, Any] = {
            "message_id": int(form.get("message_id", 0)) or self._message_id(),
            "date": int(datetime.now(UTC).timestamp()),
        }
        message |= {"chat": {"id": chat, "type": "private" if chat > 0 else "supergroup", "title": "Desk"}, "from": BOT}
        if method == "sendphoto":
            photo = next(value for value in form.values() if isinstance(value, web.FileField)).file.read()
            assert photo[:8] == b"\x89PNG\r\n\x1a\n"
            message |= {"caption": text, "photo": [{"file_id": "A", "file_unique_id": "B", "width": 800, "height": 450}]}
        else:
            message["text"] = text
        if buttons:
            message["reply_markup"] = {"inline_keyboard": keyboard}
        _judge("Message", message)
        self.sent.append({"method": method, "chat": chat, "text": text, "buttons": buttons, "message": message})
        return _ok(message)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.good = True

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)
        self.good &= tag in {"b", "i", "u", "s", "code", "pre", "a"}

    def handle_endtag(self, tag: str) -> None:
        self.good &= bool(self.open) and self.open.pop() == tag


def is_html(text: str) -> bool:
    tags = _Tags()
    tags.feed(text)
    tags.close()
    bare = text.replace("&lt;", "").replace("&gt;", "").replace("&amp;", "").replace("&quot;", "")
    return tags.good and not tags.open and "&" not in bare


def _ok(result: Any) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def _error(code: int, description: str, **more: Any) -> web.Response:
    return web.json_response({"ok": False, "error_code": code, "description": description, **more}, status=code)


@contextlib.asynccontextmanager
async def telegram_double() -> AsyncIterator[TelegramDouble]:
    """The service on a free port."""
    double = TelegramDouble()
    app = web.Application(client_max_size=20_000_000)
    app.router.add_route("*", "/bot{token}/{method}", double.handle)
    async with served(app) as double.address:
        yield double


@contextlib.asynccontextmanager
async def served(app: web.Application, ssl_context: Any = None) -> AsyncIterator[str]:
    """An application on a free port of this machine: its address."""
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl_context)
    await site.start()
    try:
        yield f"{'https' if ssl_context else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
