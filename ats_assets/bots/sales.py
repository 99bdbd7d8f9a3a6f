"""What is sold, put together for `ats bots run`: the shop, what goes out to subscribers, and where payments are told. All of it is off unless settings name plans."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from ats_assets.bots.bot_store import BotStore
from ats_assets.bots.broadcasting.delivery_queue import DeliveryQueue, News
from ats_assets.bots.broadcasting.sender import BroadcastSender
from ats_assets.bots.broadcasting.service_news import ServiceNews
from ats_assets.bots.front import Front
from ats_assets.bots.payments.stripe_payments import StripePayments
from ats_assets.bots.payments.telegram_payments import TelegramPayments
from ats_assets.bots.payments.webhook_server import WebhookServer
from ats_assets.bots.reception import Reception
from ats_assets.bots.subscriptions.payment_facts import PaymentFact
from ats_assets.bots.subscriptions.payment_service import PaymentService
from ats_assets.bots.subscriptions.shop import Shop, Subscriber
from ats_assets.bots.subscriptions.subscription_plans import SubscriptionPlan
from ats_assets.errors import BotError


@dataclass(frozen=True, kw_only=True)
class SalesPlan:
    """What the bots are told of subscriptions, as plain values.

    Attributes
    ----------
    plans
        By name; none: there is nothing to subscribe to.
    stripe
        What `StripePayments` takes, beside `secrets`, `host` and `port` of the webhook; None: Stripe is off.
    telegram_payments
        Whether Telegram's own are on; with a provider's token, or for stars.
    """

    plans: Mapping[str, SubscriptionPlan] = field(default_factory=dict)
    grace_days: int = 3
    news_every_seconds: float = 30.0
    per_second: int = 20
    gap_seconds: float = 2.0
    lasts_hours: int = 24
    stripe: Mapping[str, Any] | None = field(default=None, repr=False)
    telegram_payments: bool = False
    telegram_provider_token: str | None = field(default=None, repr=False)


def opened_shop(store: BotStore, plan: SalesPlan) -> dict[str, Any]:
    """Shop and queue, as a reception takes them.

    Raises
    ------
    BotError
        If a library is missing.
    """
    services: dict[str, PaymentService] = {}
    if plan.stripe is not None:
        try:
            services["stripe"] = StripePayments(
                plan.stripe["key"],
                success_url=plan.stripe["success_url"],
                cancel_url=plan.stripe["cancel_url"],
                api_base=plan.stripe["api_base"],
            )
        except ImportError as error:
            raise BotError(f"{error.name} is not installed: pip install 'ats-assets[payments]'") from None
    if plan.telegram_payments:
        services["telegram"] = TelegramPayments(plan.telegram_provider_token)
    queue = DeliveryQueue(store, secrets.token_hex(16), timedelta(hours=plan.lasts_hours))
    return {"shop": Shop(store, plan.plans, timedelta(days=plan.grace_days), services), "queue": queue}


def sales_tasks(
    plan: SalesPlan, reception: Reception, fronts: Mapping[str, Front]
) -> tuple[WebhookServer | None, Sequence[tuple[float, Callable[[], Awaitable[Any]]]]]:
    """The webhook's server, where there is one, and what is done again and again, with the seconds between."""
    if not plan.plans:
        return None, ()
    sender = BroadcastSender(reception.queue, fronts, reception.clock, per_second=plan.per_second, gap_seconds=plan.gap_seconds)
    news = ServiceNews(reception.service, reception.shop, reception.queue, reception.clock)
    works = ((1.0, sender.work), (plan.news_every_seconds, news.look))
    if plan.stripe is None:
        return None, works

    async def told(fact: PaymentFact) -> None:
        await asyncio.to_thread(thank, reception, fact)

    how = {name: plan.stripe[name] for name in ("host", "port")}
    return WebhookServer(reception.shop, plan.stripe["secrets"], told, reception.clock, **how), works


def thank(reception: Reception, fact: PaymentFact) -> None:
    """Tell whoever has paid, or whose payment did not come, through the queue: once, however often the service tells it."""
    now = reception.clock()
    has = reception.shop.standing(fact.person, now)
    texts = {
        "paid": "Thank you: your payment has come.",
        "failed": "Your payment did not come. The payment service tries again; it is enough to have money there.",
    }
    if fact.kind not in texts or has.plan is None or has.until is None:
        return
    news = News(key=f"{fact.provider}:{fact.id}", title=has.plan.title, lines=(texts[fact.kind], f"Until {has.until:%Y-%m-%d}."))
    reception.queue.publish(news, [Subscriber(person=fact.person, standing=has)], now, delayed=False)
