"""Telegram, through aiogram: long polling, commands, inline keyboards, pictures.

1. `getUpdates` gives what was sent; it is written into the inbox, and only then is Telegram told, by the next offset, that it came.
2. Each new update runs as a task of its own; one that comes twice, or in another order, runs once.
3. Who sent it is what Telegram says: nobody, where it is a channel, an anonymous administrator, another bot, or a message that somebody only forwards.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC

from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramNotFound,
    TelegramUnauthorizedError,
)
from aiogram.types import (
    BotCommand,
    BotCommandScopeChat,
    CallbackQuery,
    LinkPreviewOptions,
    Message,
    Update,
)
from aiogram.utils.token import TokenValidationError

from ats_assets.bots.catalogue import catalogue, commands_there
from ats_assets.bots.inbox import Inbox
from ats_assets.bots.people import Person
from ats_assets.bots.reception import Incoming, Reception
from ats_assets.bots.rendering import plain_reply
from ats_assets.bots.reply import Reply
from ats_assets.bots.telegram_checkout import TelegramCheckout
from ats_assets.bots.telegram_sending import LONGEST_WAIT, TelegramSending, telegram_reason
from ats_assets.errors import BotError
from ats_assets.secrecy import hold_secret_text, redacted

logger = logging.getLogger(__name__)

SERVER = "https://api.telegram.org"
_SPINNER_SECONDS = 1.0
"""A button that was pressed spins for so long at most."""
_ALERT = 190
"""Characters of a pop-up."""
_PAID = '"successful_payment":'
"""Of an update as JSON: no text that somebody writes has it, since quotation marks in one are escaped."""


class _NotKeptError(Exception):
    """The bot ends, and what was paid is not kept yet: the next one takes it from the inbox."""


class TelegramFront:
    """Telegram.

    Parameters
    ----------
    token
        Of the bot, as BotFather gave it.
    server
        Telegram's, or a Bot API server of one's own.
    poll_seconds
        How long a question for updates stays open.
    retry_seconds
        The first wait after one that failed; it doubles up to a minute.
    """

    name = "telegram"

    def __init__(
        self, token: str, reception: Reception, *, server: str = SERVER, poll_seconds: int = 25, retry_seconds: float = 1.0
    ) -> None:
        hold_secret_text(token, token.partition(":")[2])  # it is part of each address that is asked, and so of errors of others, too
        session = AiohttpSession(api=TelegramAPIServer.from_base(server), timeout=20)
        properties = DefaultBotProperties(parse_mode="HTML", link_preview=LinkPreviewOptions(is_disabled=True))
        try:
            self._bot = Bot(token, session=session, default=properties)
        except TokenValidationError:
            raise BotError("TELEGRAM_BOT_TOKEN is no token of Telegram: copy it again from BotFather, as 123456:ABC...") from None
        self._reception, self._poll, self._retry = reception, poll_seconds, retry_seconds
        self._inbox = Inbox(reception.store, self.name, lasts=lambda content: _PAID in content)
        self._sending = TelegramSending(self._bot, retry_seconds)
        self._payments = TelegramCheckout(self._bot, reception)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._username = ""
        self._offset: int | None = None
        self._listed: dict[str, str] = {}

    async def run(self) -> None:
        """Hear and answer until `stop`."""
        try:
            await self._patiently(self._begin)
            for id_, content in await asyncio.to_thread(self._inbox.left_over, self._reception.clock()):
                self._start(id_, Update.model_validate_json(content, context={"bot": self._bot}))
            while not self._stopping.is_set():
                await self._patiently(self._take)
        finally:
            await self._end()

    async def stop(self) -> None:
        """End what is under way, and close."""
        self._stopping.set()

    async def tell(self, person: str, reply: Reply) -> None:
        """Tell a person something in private, where their id is that of the chat."""
        try:
            await self._sending.send(int(person.partition(":")[2]), reply)
        except TelegramAPIError as error:
            raise BotError(f"Telegram did not take a message for {person}: {telegram_reason(error)}") from None

    async def tell_once(self, person: str, reply: Reply, nonce: str) -> None:  # noqa: ARG002 - Telegram takes none
        """Tell a person something in private with one try, as one message."""
        await self._sending.once(int(person.partition(":")[2]), reply)

    async def _begin(self) -> None:
        me = await self._bot.get_me()
        self._username = (me.username or "").casefold()
        await self._bot.delete_webhook(drop_pending_updates=False)  # Telegram gives no updates to whoever asks while there is one
        logger.info("Telegram: listening as @%s", me.username)

    async def _take(self) -> None:
        asking = asyncio.ensure_future(
            self._bot.get_updates(
                offset=self._offset,
                timeout=self._poll,
                allowed_updates=["message", "callback_query", "pre_checkout_query"],
                request_timeout=self._poll + 10,
            )
        )
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({asking, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                return
            updates = asking.result()
        finally:
            asking.cancel()
            stopping.cancel()
        if not updates:
            return
        kept = [(str(one.update_id), one.model_dump_json(exclude_unset=True, exclude_none=True)) for one in updates]
        new = set(await asyncio.to_thread(self._inbox.keep, kept, self._reception.clock()))
        for one in updates:
            if str(one.update_id) in new:
                new.discard(str(one.update_id))
                self._start(str(one.update_id), one)
        self._offset = max(one.update_id for one in updates) + 1

    async def _patiently(self, work: Callable[[], Awaitable[None]], what: str = "no updates") -> None:
        """Do it until it succeeds, waiting longer each time; only a token that Telegram does not know ends the front."""
        wait = self._retry
        while not self._stopping.is_set():
            try:
                await work()
            except (TelegramUnauthorizedError, TelegramNotFound):
                raise BotError(
                    "Telegram does not know the bot: TELEGRAM_BOT_TOKEN was revoked or is another's; BotFather gives a new one"
                ) from None
            except TelegramConflictError:
                logger.error("Telegram: another process listens with the same token; end it, or give this one a bot of its own")  # noqa: TRY400 - the traceback says nothing more
            except Exception as error:  # noqa: BLE001 - the network, the service or the database: whatever it is, the next try may succeed
                logger.warning("Telegram: %s (%s: %s); again in %.0f s", what, type(error).__name__, redacted(str(error))[:300], wait)
            else:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait)
            wait = min(2 * wait, LONGEST_WAIT)

    async def _end(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=10)
        for task in self._tasks:
            task.cancel()
        await self._bot.session.close()

    def _start(self, id_: str, update: Update) -> None:
        task = asyncio.create_task(self._handle(id_, update))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle(self, id_: str, update: Update) -> None:
        try:
            if update.message:
                await self._heard(update.message)
            elif update.callback_query:
                await self._pressed(update.callback_query)
            elif update.pre_checkout_query:
                await self._payments.asked(update.pre_checkout_query)
        except _NotKeptError:
            return
        except TelegramAPIError as error:
            logger.warning("Telegram: the answer to update %s was not taken: %s", id_, telegram_reason(error))
        except Exception:  # an update that fails is done: it may not stop those after it
            logger.exception("Telegram: update %s failed", id_)
        await asyncio.to_thread(self._inbox.done, id_, self._reception.clock())

    async def _heard(self, message: Message) -> None:
        if message.successful_payment:
            if reply := await self._paid(message):
                await self._sending.send(message.chat.id, reply)
            return
        if message.forward_origin or message.via_bot or not message.text:
            return
        private = message.chat.type == "private"
        word, rest = (*message.text.split(maxsplit=1), "", "")[:2] if message.text.startswith("/") else ("", "")
        word, _, addressed = word.removeprefix("/").partition("@")
        if addressed and addressed.casefold() != self._username:
            return
        if not word and not private:
            return
        incoming = Incoming(sender=_sender(message), place=f"telegram:{message.chat.id}", private=private, at=message.date.astimezone(UTC))
        reply = await self._reception.line(incoming, word or "help", rest)
        if reply:
            await self._sending.send(message.chat.id, reply)
            if reply.invoice:
                await self._sending.invoice(message.chat.id, reply.invoice, self._payments.provider_token)
            await self._list_commands(incoming)

    async def _paid(self, message: Message) -> Reply | None:
        """Keep what was paid, however often the database fails before: the money is gone already."""
        kept: list[Reply | None] = []

        async def keep() -> None:
            kept.append(await self._payments.paid(message))

        await self._patiently(keep, "a payment is not kept yet")
        if not kept:
            raise _NotKeptError
        return kept[0]

    async def _pressed(self, query: CallbackQuery) -> None:
        message = query.message
        if message is None or not query.data:
            await self._bot.answer_callback_query(query.id, "This button is too old: give the command again.")
            return
        sender = None if query.from_user.is_bot else f"telegram:{query.from_user.id}"
        place, now = f"telegram:{message.chat.id}", self._reception.clock()
        incoming = Incoming(sender=sender, place=place, private=message.chat.type == "private", at=now)
        answering = asyncio.ensure_future(self._reception.button(incoming, query.data))
        await asyncio.wait({answering}, timeout=_SPINNER_SECONDS)
        quick = answering.result() if answering.done() else None
        alert = plain_reply(quick)[:_ALERT] if quick and not quick.replaces_buttons else None
        with contextlib.suppress(TelegramBadRequest):  # it has spun for too long already
            await self._sending.surely(lambda: self._bot.answer_callback_query(query.id, alert, show_alert=alert is not None))
        reply = await answering
        if reply and reply.replaces_buttons:
            await self._sending.replace(message.chat.id, message.message_id, reply)

    async def _list_commands(self, incoming: Incoming) -> None:
        """Telegram's own menu has the commands that this person may give, and nobody else has any; set once, as long as the role is the same."""
        if not incoming.private or incoming.sender is None:
            return
        person = await asyncio.to_thread(self._reception.people.find, incoming.sender)
        role = person.role.word if person else ""
        if self._listed.get(incoming.sender) == role:
            return
        self._listed[incoming.sender] = role
        scope = BotCommandScopeChat(chat_id=int(incoming.place.partition(":")[2]))
        with contextlib.suppress(TelegramAPIError):
            await self._bot.set_my_commands(_commands(person, plans=self._reception.shop.is_open), scope=scope)


def _sender(message: Message) -> str | None:
    user = message.from_user
    return None if user is None or user.is_bot or message.sender_chat else f"telegram:{user.id}"


def _commands(person: Person | None, *, plans: bool) -> list[BotCommand]:
    return [
        BotCommand(command=command.name, description=command.help[:256])
        for command in commands_there(catalogue(), plans=plans).values()
        if person is not None and person.may(command.role)
    ]
