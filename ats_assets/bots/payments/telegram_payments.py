"""Telegram's own payments: an invoice in the chat, in Telegram's stars or through a provider that BotFather connects.

Telegram asks before it takes the money (`pre_checkout_query`), and says in a message of its own that it has it (`successful_payment`). Its money is for one period; nothing renews by itself.
"""

from datetime import datetime

from ats_assets.bots.subscriptions.payment_facts import PaymentFact
from ats_assets.bots.subscriptions.payment_service import Checkout, PaymentOrder
from ats_assets.bots.subscriptions.shop import Shop
from ats_assets.bots.subscriptions.subscription_plans import SubscriptionPlan

STARS = "XTR"


class TelegramPayments:
    """Telegram.

    Parameters
    ----------
    provider_token
        Of the payment provider; None for stars, which need none.
    """

    name = "telegram"

    def __init__(self, provider_token: str | None = None) -> None:
        self.provider_token = provider_token

    def sells(self, plan: SubscriptionPlan, front: str) -> bool:
        """Plans that have a price in stars, or in money where there is a provider, to people of Telegram."""
        return front == "telegram" and (plan.amount > 0 if self.provider_token else bool(plan.stars))

    def price(self, plan: SubscriptionPlan) -> tuple[int, str]:
        """Stars, or the plan's own price."""
        return (plan.amount, plan.currency) if self.provider_token else (plan.stars or 0, STARS)

    async def checkout(self, order: PaymentOrder) -> Checkout:
        """An invoice, which the front sends."""
        return Checkout(order=order, invoice=True)

    async def stop(self, subscription: str) -> bool:  # noqa: ARG002 - it has none
        """Nothing renews by itself."""
        return False


def refused_order(shop: Shop, payload: str, *, person: str, amount: int, currency: str) -> str | None:
    """Why somebody may not pay what Telegram asks about; None where they may. Nothing is taken that is not for an order of the same person, plan and price."""
    order = shop.order(payload)
    if order is None:
        return "This invoice is not known any more: /subscribe makes a new one."
    if order.person != person:
        return "This invoice is somebody else's: /subscribe makes one for you."
    if (order.amount, order.currency) != (amount, currency):
        return "The price has changed: /subscribe makes a new invoice."
    return None


def telegram_fact(order: PaymentOrder, charge: str, at: datetime) -> PaymentFact:
    """What was paid, under Telegram's id of the charge."""
    return PaymentFact(
        provider="telegram",
        id=charge,
        kind="paid",
        person=order.person,
        plan=order.plan.name,
        at=at,
        amount=order.amount,
        currency=order.currency,
        customer=order.person,
    )
