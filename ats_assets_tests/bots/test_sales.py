"""Somebody unknown subscribes, pays in the chat and gets signals: by aiogram against a double of Telegram; doubled updates, another's invoice, a bot that was blocked."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ats_assets.bots.broadcasting.delivery_queue import News
from ats_assets.bots.broadcasting.sender import BroadcastSender
from ats_assets.bots.payments.telegram_payments import TelegramPayments
from ats_assets.bots.sales import thank
from ats_assets.bots.subscriptions.payment_facts import PaymentFact, facts_of
from ats_assets.bots.subscriptions.shop import Shop
from ats_assets.bots.subscriptions.subscription_plans import SubscriptionPlan
from ats_assets.errors import BotError
from ats_assets_tests.bots.desk import Desk, a_desk, service_double
from ats_assets_tests.bots.telegram_double import TOKEN, Fault, TelegramDouble, a_front, telegram_double
from ats_assets_tests.bots.test_telegram_front import GROUP, played, running

STRANGER = 555
PLANS = {
    "stars": SubscriptionPlan(name="stars", title="Stars", price=Decimal(0), currency="EUR", period="month", stars=250, rows=2),
    "trial": SubscriptionPlan(name="trial", title="Trial first", price=Decimal(9), currency="EUR", period="month", trial_days=7),
    "free": SubscriptionPlan(name="free", title="Free", price=Decimal(0), currency="EUR", period="month", delay_minutes=60),
}


def opened(desk: Desk) -> Shop:
    desk.reception.shop = Shop(desk.store, PLANS, timedelta(days=3), {"telegram": TelegramPayments()})
    return desk.reception.shop


def test_where_nothing_is_sold_a_stranger_stays_one(tmp_path: Path) -> None:
    async def scene(double: TelegramDouble, desk: Desk) -> None:
        double.message("/plans", sender=STRANGER)
        await double.said("not known here")
        double.message("/plans", sender=103)
        await double.said("nothing to subscribe to")
        double.message("/help", sender=103)
        assert "/subscribe" not in (await double.said("Commands"))["text"]

    played(tmp_path, scene)


def test_a_stranger_may_subscribe_and_nothing_else(tmp_path: Path) -> None:
    async def scene(double: TelegramDouble, desk: Desk) -> None:
        opened(desk)
        double.message("/help", sender=STRANGER)
        commands = (await double.said("Commands"))["text"]
        assert "/subscribe" in commands
        assert "/signals" not in commands
        for word in (
            "status",
            "signals",
            "portfolio",
            "order buy AAPL 1",
            "pause",
            "people",
            "subscribers",
            "broadcast hello",
            "give telegram:1 free 3",
        ):
            double.message(f"/{word}", sender=STRANGER)
            await double.said(f"/{word.split()[0]} is for")
        double.message("/subscribe free", sender=STRANGER, chat=GROUP)
        await asyncio.sleep(0.2)
        assert not [one for one in double.sent if one["chat"] == GROUP]
        assert not desk.service.requests

    played(tmp_path, scene, per_minute=100)


def test_a_trial_then_stars_paid_once_however_often_it_is_told(tmp_path: Path) -> None:
    async def scene(double: TelegramDouble, desk: Desk) -> None:
        shop = opened(desk)
        double.message("/subscribe trial", sender=STRANGER)
        await double.said("Your trial begins")
        double.message("/subscribe stars", sender=STRANGER)
        invoice = await double.said("Stars")
        while invoice["method"] != "sendinvoice":
            await asyncio.sleep(0.01)
            invoice = double.sent[-1]
        assert (invoice["currency"], invoice["total_amount"]) == ("XTR", 250)
        for wrong in ({"total_amount": 1}, {"invoice_payload": "order-none"}):
            double.ask_to_pay(invoice, sender=STRANGER, **wrong)
        await double.said("The price has changed")
        await double.said("not known any more")
        double.ask_to_pay(invoice, sender=777)
        await double.said("somebody else's")
        double.ask_to_pay(invoice, sender=STRANGER)
        await double.said("ok")
        for _ in range(10):
            double.pay(invoice, sender=STRANGER)
        await double.said("Thank you")
        await asyncio.sleep(0.3)
        with desk.store.begin() as connection:
            kinds = [fact.kind for fact in facts_of(connection, f"telegram:{STRANGER}")]
        assert sorted(kinds) == ["paid", "trial"]
        assert len([text for text in double.texts(STRANGER) if "Thank you" in text]) == 1
        has = shop.standing(f"telegram:{STRANGER}", datetime.now(UTC))
        assert has.sees
        double.message("/unsubscribe", sender=STRANGER)
        await double.said("Unsubscribed")
        assert not shop.subscribers(datetime.now(UTC))

    played(tmp_path, scene, per_minute=100)


@pytest.mark.parametrize("later", [timedelta(0), timedelta(hours=5)])
def test_what_was_paid_is_kept_by_the_next_process_however_late(tmp_path: Path, later: timedelta) -> None:
    """Ten minutes after a bot was killed in the midst of it a payment was no update that anybody waits for: the money was gone, and the plan never came."""

    async def play() -> None:
        async with telegram_double() as double, service_double() as service:
            async with a_desk(tmp_path, service) as desk:
                order = await opened(desk).checkout(f"telegram:{STRANGER}", PLANS["stars"], None, desk.reception.clock())
                front = a_front(TOKEN, desk.reception, server=double.address, poll_seconds=1, retry_seconds=0.01)
                never = asyncio.Event()
                front._payments.paid = lambda _: never.wait()  # type: ignore[assignment,method-assign]  # it is killed in the midst of it
                task = asyncio.create_task(front.run())
                double.pay({"currency": "XTR", "total_amount": 250, "payload": order.order.id}, sender=STRANGER)
                while double.offsets[-1:] != [871000002]:
                    await asyncio.sleep(0.01)
                for one in {task, *front._tasks}:
                    one.cancel()
                await asyncio.gather(task, return_exceptions=True)
            async with a_desk(tmp_path, service, clock=lambda: datetime.now(UTC) + later) as desk:
                opened(desk)
                async with running(double, desk):
                    await double.said("Thank you")

    asyncio.run(play())


def test_what_was_paid_is_kept_once_the_database_is_back(tmp_path: Path) -> None:
    """A payment that met a locked database was logged, called done and forgotten."""

    async def scene(double: TelegramDouble, desk: Desk) -> None:
        shop = opened(desk)
        order = await shop.checkout(f"telegram:{STRANGER}", PLANS["stars"], None, datetime.now(UTC))
        tell, failures = shop.tell, iter(range(3))

        def locked(*given: Any) -> bool:
            if next(failures, None) is not None:
                raise BotError("the bots' database fails: it is locked")
            return tell(*given)

        shop.tell = locked  # type: ignore[method-assign]
        double.pay({"currency": "XTR", "total_amount": 250, "payload": order.order.id}, sender=STRANGER)
        await double.said("Thank you")
        assert shop.standing(f"telegram:{STRANGER}", datetime.now(UTC)).state == "active"

    played(tmp_path, scene)


def test_money_for_nothing_that_is_known_is_told_and_audited(tmp_path: Path) -> None:
    async def scene(double: TelegramDouble, desk: Desk) -> None:
        opened(desk)
        double.pay({"currency": "XTR", "total_amount": 5, "payload": "order-none"}, sender=STRANGER)
        await double.said("not known here")
        assert desk.store.audited(1)[0]["what"] == "payment for nothing"

    played(tmp_path, scene)


def test_broadcasts_reach_each_subscriber_once_and_end_where_the_bot_was_blocked(tmp_path: Path) -> None:
    async def scene(double: TelegramDouble, desk: Desk) -> None:
        shop, queue = opened(desk), desk.reception.queue
        now = datetime.now(UTC)
        for number in (601, 602, 603):
            shop.give(f"telegram:{number}", PLANS["stars"], 30, by="test", now=now)
        double.message("/broadcast Closed on Friday", sender=103)
        shown = (await double.said("To 3 people"))["text"]
        code = shown.split("/broadcast send ")[1].split(" ")[0]
        for _ in range(3):
            double.message(f"/broadcast send {code}", sender=103)
        while len([text for text in double.texts(103) if "On its way" in text]) < 3:
            await asyncio.sleep(0.01)
        front = a_front(TOKEN, desk.reception, server=double.address, retry_seconds=0.01)
        sender = BroadcastSender(queue, {"telegram": front}, desk.reception.clock, gap_seconds=0)
        double.fail("sendMessage", Fault("cut", before=False), Fault("403"))
        for _ in range(3):
            await sender.work()
        await front._bot.session.close()
        got = [one["chat"] for one in double.sent if "Closed on Friday" in one["text"] and one["chat"] in {601, 602, 603}]
        assert len(got) == len(set(got)) == 2, "one was blocked; the answer of one that was taken got lost, and it is not sent again"
        assert queue.counts() == {"sent": 1, "unsure": 1, "gone": 1}
        assert len(shop.subscribers(now)) == 2

    played(tmp_path, scene, per_minute=100)


def test_thanks_are_queued_once_and_not_late(tmp_path: Path) -> None:
    async def scene(double: TelegramDouble, desk: Desk) -> None:
        shop, now = opened(desk), datetime.now(UTC)
        fact = PaymentFact(provider="stripe", id="in_1", kind="paid", person="telegram:601", plan="free", at=now, amount=0, currency="EUR")
        assert shop.tell(fact, now)
        for _ in range(3):
            thank(desk.reception, fact)
        taken: list[Any] = desk.reception.queue.take(desk.reception.clock(), 10, ["telegram"])
        assert [one.news.lines[0] for one in taken] == ["Thank you: your payment has come."]
        assert desk.reception.queue.publish(News(key="x", title="x"), shop.subscribers(now), now) == 1
        assert not desk.reception.queue.take(desk.reception.clock(), 10, ["telegram"]), "news comes as late as the plan says"

    played(tmp_path, scene)
