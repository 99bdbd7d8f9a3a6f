"""Telegram's payments as updates: it asks before it takes money, and says when it has it."""

import asyncio
from datetime import UTC

from aiogram import Bot
from aiogram.types import Message, PreCheckoutQuery

from ats_assets.bots.payments.telegram_payments import TelegramPayments, refused_order, telegram_fact
from ats_assets.bots.reception import Reception
from ats_assets.bots.reply import Reply, said
from ats_assets.bots.subscriptions.wording import standing_reply


class TelegramCheckout:
    """Answers them for one bot."""

    def __init__(self, bot: Bot, reception: Reception) -> None:
        self._bot, self._reception = bot, reception

    @property
    def provider_token(self) -> str | None:
        """Of invoices; None for stars."""
        provider = self._reception.shop.providers.get("telegram")
        return provider.provider_token if isinstance(provider, TelegramPayments) else None

    async def asked(self, query: PreCheckoutQuery) -> None:
        """Say whether somebody may pay: within ten seconds, or Telegram lets nobody."""
        shop = self._reception.shop
        why = await asyncio.to_thread(
            lambda: refused_order(
                shop, query.invoice_payload, person=f"telegram:{query.from_user.id}", amount=query.total_amount, currency=query.currency
            )
        )
        await self._bot.answer_pre_checkout_query(query.id, ok=why is None, error_message=why)

    async def paid(self, message: Message) -> Reply | None:
        """Take what was paid, once: a message that comes again finds it taken."""
        payment, shop, now = message.successful_payment, self._reception.shop, self._reception.clock()
        if payment is None:
            return None
        order = await asyncio.to_thread(shop.order, payment.invoice_payload)
        if order is None or (payment.total_amount, payment.currency) != (order.amount, order.currency):
            text = f"{payment.total_amount} {payment.currency} for {payment.invoice_payload} ({payment.telegram_payment_charge_id})"
            await asyncio.to_thread(self._reception.store.note, now, f"telegram:{message.chat.id}", "", "payment for nothing", text)
            return said("Paid, but not known here", "Whoever runs this bot sees it, and gives it back or lets you have the plan.")
        fact = telegram_fact(order, payment.telegram_payment_charge_id, message.date.astimezone(UTC))
        if not await asyncio.to_thread(shop.tell, fact, now):
            return None
        reply = standing_reply(await asyncio.to_thread(shop.standing, order.person, now))
        return reply.with_lines("Thank you.")
