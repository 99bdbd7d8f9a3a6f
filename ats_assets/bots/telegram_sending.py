"""Sending to Telegram: replies as messages, pictures and keyboards, as often as Telegram says when it is asked too often."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiogram import Bot
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.types import BufferedInputFile, InlineKeyboardButton, InlineKeyboardMarkup, LabeledPrice

from ats_assets.bots.rendering import TELEGRAM, plain_reply, rendered
from ats_assets.bots.reply import Reply, ReplyInvoice
from ats_assets.errors import BotError, MessageRefusedError, RecipientGoneError
from ats_assets.secrecy import redacted

T = TypeVar("T")
_TRIES = 4
LONGEST_WAIT = 60.0
_CAPTION = 1024
"""Characters of the text with a picture."""


class TelegramSending:
    """Sends as one bot.

    Parameters
    ----------
    retry_seconds
        The first wait where the network fails.
    """

    def __init__(self, bot: Bot, retry_seconds: float) -> None:
        self._bot, self._retry = bot, retry_seconds

    async def replace(self, chat: int, message: int, reply: Reply) -> None:
        """Make a message this reply; send it where that can't be done any more."""
        texts, keyboard = rendered(reply, TELEGRAM), _keyboard(reply)
        try:
            await self.surely(lambda: self._bot.edit_message_text(texts[0], chat_id=chat, message_id=message, reply_markup=keyboard))
        except TelegramBadRequest as error:
            if "not modified" not in str(error):  # it is too old, or gone
                await self.send(chat, reply)

    async def send(self, chat: int, reply: Reply) -> None:
        """Send a reply, its buttons with the last message.

        Raises
        ------
        TelegramAPIError
            If Telegram does not take it.
        """
        texts, keyboard = rendered(reply, TELEGRAM), _keyboard(reply)
        if reply.picture:
            photo = BufferedInputFile(reply.picture.content, reply.picture.name)
            caption = texts.pop(0) if texts and len(texts[0]) <= _CAPTION else None
            await self.surely(lambda: self._bot.send_photo(chat, photo, caption=caption, reply_markup=None if texts else keyboard))
        for number, text in enumerate(texts, 1):
            markup = keyboard if number == len(texts) else None
            try:
                await self.surely(lambda text=text, markup=markup: self._bot.send_message(chat, text, reply_markup=markup))
            except TelegramBadRequest as error:
                if "parse entities" not in str(error):
                    raise
                bare = plain_reply(reply)[:4000]
                await self.surely(lambda bare=bare, markup=markup: self._bot.send_message(chat, bare, parse_mode=None, reply_markup=markup))

    async def once(self, chat: int, reply: Reply) -> None:
        """Send a reply as one message with one try.

        Raises
        ------
        MessageRefusedError, RecipientGoneError, BotError
            As `Front.tell_once` says.
        """
        text = rendered(reply, TELEGRAM)[0]
        try:
            await self._bot.send_message(chat, text)
        except TelegramRetryAfter as error:
            raise MessageRefusedError("Telegram is asked too often", float(error.retry_after)) from None
        except TelegramForbiddenError:
            raise RecipientGoneError(f"{chat} has blocked the bot, or is no more") from None
        except (TelegramNetworkError, TelegramServerError) as error:
            if "ClientConnectorError" in str(error):
                raise MessageRefusedError("Telegram can't be reached", 0.0) from None
            raise BotError(f"Telegram gave no answer: {telegram_reason(error)}") from None
        except TelegramAPIError as error:
            if "chat not found" in str(error):
                raise RecipientGoneError(f"{chat} is not known to Telegram") from None
            raise MessageRefusedError(f"Telegram does not take it: {telegram_reason(error)}") from None

    async def invoice(self, chat: int, invoice: ReplyInvoice, provider_token: str | None) -> None:
        """Send an invoice."""
        price = [LabeledPrice(label=invoice.title[:32], amount=invoice.amount)]
        await self.surely(
            lambda: self._bot.send_invoice(
                chat,
                title=invoice.title[:32],
                description=invoice.text[:255],
                payload=invoice.payload,
                currency=invoice.currency,
                prices=price,
                provider_token=provider_token or "",
                protect_content=True,
            )
        )

    async def surely(self, call: Callable[[], Awaitable[T]]) -> T:
        """Send; as long as Telegram says when it is asked too often, and again where the network fails: an answer twice is better than none."""
        wait = self._retry
        for left in range(_TRIES - 1, -1, -1):
            try:
                return await call()
            except TelegramRetryAfter as error:
                if not left or error.retry_after > LONGEST_WAIT:
                    raise
                await asyncio.sleep(error.retry_after)
            except (TelegramNetworkError, TelegramServerError, ClientDecodeError):  # the last where a proxy answers for Telegram, in HTML
                if not left:
                    raise
                await asyncio.sleep(wait)
                wait *= 2
        raise AssertionError("the last try returns or raises")


def _keyboard(reply: Reply) -> InlineKeyboardMarkup | None:
    if not reply.buttons:
        return None
    row: list[Any] = [InlineKeyboardButton(text=button.label, callback_data=button.data) for button in reply.buttons]
    return InlineKeyboardMarkup(inline_keyboard=[row[at : at + 3] for at in range(0, len(row), 3)])


def telegram_reason(error: TelegramAPIError) -> str:
    """What Telegram says, without the request, which may repeat more than a log should hold."""
    if isinstance(error, TelegramForbiddenError):
        return "the bot was blocked, or never started, by this person"
    return f"{type(error).__name__}: {redacted(error.message)[:200]}"
