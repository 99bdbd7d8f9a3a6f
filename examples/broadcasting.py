"""A session's signals to people who subscribed: at once and whole to some, later and shorter to others, once to each.

    python examples/broadcasting.py [--folder FOLDER]

The plans here are free, the chat is this terminal, and its clock is put forward by hand. To send signals to others may need a licence where you live: docs/subscriptions.md.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
from small_deployment import quick_start, use_folder

from ats_assets.bots.bot_store import BotStore
from ats_assets.bots.broadcasting.sender import BroadcastSender
from ats_assets.bots.broadcasting.service_news import SINCE, ServiceNews
from ats_assets.bots.client import ApiClient
from ats_assets.bots.confirmations import Confirmations
from ats_assets.bots.people import People
from ats_assets.bots.reception import Incoming, Reception
from ats_assets.bots.rendering import Dialect, rendered
from ats_assets.bots.reply import Reply
from ats_assets.bots.sales import SalesPlan, opened_shop
from ats_assets.bots.subscriptions.subscription_plans import SubscriptionPlan
from ats_assets.deployment import Deployment
from ats_assets.serving.app import make_app

FREE = {"price": Decimal(0), "currency": "EUR", "period": "month"}
PLANS = {
    "soon": SubscriptionPlan(name="soon", title="Signals at once", rows=5, **FREE),
    "late": SubscriptionPlan(name="late", title="The best two, an hour later", rows=2, delay_minutes=60, **FREE),
}
PLAIN = Dialect(4096, str, str, str)


class Clock:
    """The time, as far as this example has come."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        """In UTC."""
        return self.now


class Terminal:
    """A front that tells everybody here."""

    name = "telegram"

    async def tell_once(self, person: str, reply: Reply, nonce: str) -> None:  # noqa: ARG002
        """Print what a person gets; by the nonce a service could tell that it has taken the message already."""
        print(f"\nto {person}:")
        print("\n".join(rendered(reply, PLAIN)))


async def broadcast(market: Deployment, folder: Path) -> None:
    """Two people subscribe; the newest signals go out, at once and an hour later; then nothing is left to send."""
    app, clock = make_app(market), Clock()
    service = ApiClient("http://127.0.0.1", None, transport=httpx.ASGITransport(app=app, client=("127.0.0.1", 1)))
    with BotStore(f"sqlite:///{folder / 'bots.sqlite'}") as store:
        how = opened_shop(store, SalesPlan(plans=PLANS))
        reception = Reception(
            store=store, people=People({}, store), service=service, confirmations=Confirmations(store, 60), clock=clock, **how
        )
        for person, plan in (("telegram:1", "soon"), ("telegram:2", "late")):
            heard = Incoming(sender=person, place=person, private=True, at=clock())
            reply = await reception.line(heard, "subscribe", plan)
            print(f"{person} > /subscribe {plan}\n" + "\n".join(rendered(reply, PLAIN) if reply else []))
        sender = BroadcastSender(reception.queue, {"telegram": Terminal()}, clock, gap_seconds=0)
        news = ServiceNews(service, reception.shop, reception.queue, clock)
        store.set_mark(SINCE, str(market.valid_sessions("signals")[-2]))  # as if the bots had been there the evening before
        print(f"\nmessages queued: {await news.look()}")
        print(f"sent at once: {await sender.work()}")
        clock.now += timedelta(hours=1)
        print(f"sent an hour later: {await sender.work()}")
        print(f"\nlooked again: {await news.look()} queued, {await sender.work()} sent: each message goes once")
    await service.close()
    await app.state.service.close()


def main(arguments: list[str] | None = None) -> None:
    """Broadcast the signals of the quick start."""
    folder = use_folder("broadcasting", __doc__, arguments)
    market = quick_start()
    (folder / "bots.sqlite").unlink(missing_ok=True)
    asyncio.run(broadcast(market, folder))


if __name__ == "__main__":
    main()
