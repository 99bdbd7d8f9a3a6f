"""Stripe: a checkout is opened once, a webhook is believed only with its signature, and ten of each in any order are one payment."""

import asyncio
import random
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.bots.bot_store import BotStore
from ats_assets.bots.payments.stripe_payments import StripePayments
from ats_assets.bots.payments.webhook_server import LARGEST, PATH, WebhookServer
from ats_assets.bots.subscriptions.payment_facts import PaymentFact, facts_of
from ats_assets.bots.subscriptions.shop import Shop
from ats_assets.bots.subscriptions.subscription_plans import SubscriptionPlan
from ats_assets.errors import BotError, WebhookRefusedError
from ats_assets_tests.bots.payments.stripe_double import KEY, SECRET, StripeDouble, event, invoice, signed

NOW = datetime(2024, 3, 15, 12, 0, tzinfo=UTC)
START, END = int(datetime(2024, 3, 1, tzinfo=UTC).timestamp()), int(datetime(2024, 4, 1, tzinfo=UTC).timestamp())
ADA = "telegram:501"
PLANS = {"basic": SubscriptionPlan(name="basic", title="Basic", price=Decimal("9.00"), currency="EUR", period="month", trial_days=7)}


@pytest.fixture(scope="module")
def stripe_double() -> Iterator[StripeDouble]:
    double = StripeDouble()
    server = double.served()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield double
    server.shutdown()
    server.server_close()


@pytest.fixture
def shop(tmp_path: Path, stripe_double: StripeDouble) -> Iterator[Shop]:
    with BotStore(f"sqlite:///{tmp_path / 'bots.sqlite'}") as store:
        yield shop_of(store, stripe_double)


def shop_of(store: BotStore, double: StripeDouble, key: str = KEY) -> Shop:
    provider = StripePayments(key, success_url="https://desk.test/thanks", cancel_url="https://desk.test/plans", api_base=double.address)
    return Shop(store, PLANS, timedelta(days=3), {"stripe": provider})


def server_of(shop: Shop, told: list[PaymentFact] | None = None, secrets: tuple[str, ...] = (SECRET,)) -> WebhookServer:
    async def heard(fact: PaymentFact) -> None:
        if told is not None:
            told.append(fact)

    return WebhookServer(shop, secrets, heard, lambda: NOW)


def take(server: WebhookServer, content: dict[str, Any], **how: Any) -> str:
    return asyncio.run(server.take(*signed(content, **how)))


def test_a_checkout_carries_person_plan_and_price(shop: Shop, stripe_double: StripeDouble) -> None:
    checkout = asyncio.run(shop.checkout(ADA, PLANS["basic"], None, NOW))
    form = stripe_double.sessions[stripe_double.by_key[checkout.order.id]]["form"]
    assert checkout.url is not None
    assert form["line_items[0][price_data][unit_amount]"] == "900"
    assert form["line_items[0][price_data][currency]"] == "eur"
    assert form["line_items[0][price_data][recurring][interval]"] == "month"
    assert (form["subscription_data[metadata][person]"], form["subscription_data[metadata][plan]"]) == (ADA, "basic")
    assert shop.order(checkout.order.id) == checkout.order


def test_an_answer_that_is_lost_opens_one_checkout(shop: Shop, stripe_double: StripeDouble) -> None:
    before, stripe_double.fail = len(stripe_double.sessions), 1
    checkout = asyncio.run(shop.checkout(ADA, PLANS["basic"], "stripe", NOW))
    assert len(stripe_double.sessions) == before + 1
    assert checkout.url is not None


def test_a_service_that_refuses_says_nothing_of_the_key(
    tmp_path: Path, stripe_double: StripeDouble, caplog: pytest.LogCaptureFixture
) -> None:
    with BotStore(f"sqlite:///{tmp_path / 'other.sqlite'}") as store:
        wrong = "sk_test_51Wrongwrongwrongwrongwrongwrong"
        with pytest.raises(BotError, match="try again in a minute") as told:
            asyncio.run(shop_of(store, stripe_double, wrong).checkout(ADA, PLANS["basic"], None, NOW))
    assert KEY not in f"{told.value} {caplog.text}" or "Invalid API Key" not in str(told.value)
    assert wrong not in f"{told.value} {caplog.text}"


@pytest.mark.parametrize("old", [False, True])
def test_a_paid_invoice_is_a_subscription(shop: Shop, old: bool) -> None:
    told: list[PaymentFact] = []
    paid = event(1, "invoice.paid", invoice(1, start=START, end=END, old=old), created=START + 5)
    assert take(server_of(shop, told), paid) == "new"
    found = shop.standing(ADA, NOW)
    assert (found.state, found.until, found.renews) == ("active", datetime(2024, 4, 1, tzinfo=UTC), True)
    assert [fact.amount for fact in told] == [900]
    assert take(server_of(shop, told), paid) == "known"
    assert take(server_of(shop, told), {**paid, "id": "evt_by_hand"}) == "known", "the same invoice under another event"
    assert len(told) == 1


def test_an_end_and_a_refund_are_told_by_stripes_ids_alone(shop: Shop) -> None:
    server = server_of(shop)
    take(server, event(1, "invoice.paid", invoice(1, start=START, end=END), created=START + 5))
    charge = {"id": "ch_1", "object": "charge", "customer": "cus_501", "amount_refunded": 900, "refunded": True, "currency": "eur"}
    assert take(server, event(2, "charge.refunded", charge, created=START + 50)) == "new"
    assert shop.standing(ADA, NOW).state == "none"
    take(server, event(3, "invoice.paid", invoice(2, start=START, end=END), created=START + 60))
    gone = {"id": "sub_501", "object": "subscription", "customer": "cus_501", "ended_at": START + 86_400}
    assert take(server, event(4, "customer.subscription.deleted", gone, created=START + 86_401)) == "new"
    assert shop.standing(ADA, NOW).state == "expired"


def test_what_tells_of_nothing_here_is_answered_as_taken(shop: Shop) -> None:
    """Or Stripe would send it again for days."""
    server = server_of(shop)
    for content in (
        event(1, "customer.created", {"id": "cus_9", "object": "customer"}, created=START),
        event(2, "invoice.paid", invoice(1, person="a customer of another shop", start=START, end=END), created=START),
        event(3, "invoice.paid", {"id": "in_x", "object": "invoice"}, created=START),
    ):
        assert take(server, content) == "nothing"


def test_a_payment_for_a_plan_that_settings_do_not_have_is_kept(shop: Shop) -> None:
    """It was passed over: who had paid had nothing once the plan was back in the settings, and no record said that they had."""
    server = server_of(shop)
    assert take(server, event(1, "invoice.paid", invoice(1, plan="later", start=START, end=END), created=START + 5)) == "new"
    assert shop.standing(ADA, NOW).state == "none"
    shop.plans["later"] = PLANS["basic"]
    assert shop.standing(ADA, NOW).state == "active"


def test_a_refund_that_is_told_before_its_payment_counts(shop: Shop) -> None:
    """It gives Stripe's customer alone, and was passed over as nobody's: Stripe does not promise an order."""
    server = server_of(shop)
    charge = {"id": "ch_1", "object": "charge", "customer": "cus_501", "amount_refunded": 900, "refunded": True, "currency": "eur"}
    assert take(server, event(2, "charge.refunded", charge, created=START + 50)) == "new"
    assert take(server, event(1, "invoice.paid", invoice(1, start=START, end=END), created=START + 5)) == "new"
    assert shop.standing(ADA, NOW).state == "none"
    assert not shop.subscribers(NOW)
    take(server, event(3, "invoice.paid", invoice(2, "telegram:502", start=START, end=END), created=START + 5))
    assert [one.person for one in shop.subscribers(NOW)] == ["telegram:502"], "a refund is its own customer's"


@settings(deadline=None, max_examples=10)
@given(st.permutations(range(5)))
def test_each_event_once_in_any_order_is_the_same_standing(
    tmp_path_factory: pytest.TempPathFactory, stripe_double: StripeDouble, order: list[int]
) -> None:
    month = END - START
    charge = {"id": "ch_1", "object": "charge", "customer": "cus_501", "amount_refunded": 900, "refunded": True, "currency": "eur"}
    gone = {"id": "sub_501", "object": "subscription", "customer": "cus_501", "ended_at": START + month + 86_400}
    gone |= {"metadata": {"person": ADA, "plan": "basic"}}
    events = [
        event(1, "invoice.paid", invoice(1, start=START, end=END), created=START + 5),
        event(2, "charge.refunded", charge, created=START + 50),
        event(3, "invoice.paid", invoice(2, start=START, end=END), created=START + 60),
        event(4, "invoice.paid", invoice(3, start=END, end=END + month), created=END + 5),
        event(5, "customer.subscription.deleted", gone, created=END + 86_401),
    ]
    with BotStore(f"sqlite:///{tmp_path_factory.mktemp('order') / 'bots.sqlite'}") as store:
        shop = shop_of(store, stripe_double)
        server = server_of(shop)
        for number in order:
            assert take(server, events[number]) == "new"
        found = [shop.standing(ADA, datetime.fromtimestamp(at, UTC)) for at in (START + 100, END + 10, END + 86_500)]
        assert [one.state for one in found] == ["active", "active", "expired"]
        assert found[-1].until == datetime.fromtimestamp(START + month + 86_400, UTC)


def test_no_signature_a_wrong_one_an_old_one(shop: Shop) -> None:
    server = server_of(shop)
    content = event(1, "invoice.paid", invoice(1, start=START, end=END), created=START)
    payload, header = signed(content)
    for given_, signature in (
        (payload, None),
        (payload, ""),
        (payload, header.replace("v1=", "v0=")),
        (payload + b" ", header),
        signed(content, secret="whsec_another"),
        signed(content, at=int(time.time()) - 301),
    ):
        with pytest.raises(WebhookRefusedError):
            asyncio.run(server.take(given_, signature))
    with pytest.raises(WebhookRefusedError, match="no event"):
        asyncio.run(server.take(*signed({"hello": 1})))
    assert shop.standing(ADA, NOW).state == "none"


def test_two_secrets_while_one_takes_the_place_of_the_other(shop: Shop) -> None:
    server = server_of(shop, secrets=("whsec_new", SECRET))
    assert take(server, event(1, "invoice.paid", invoice(1, start=START, end=END), created=START)) == "new"
    assert take(server, event(2, "invoice.paid", invoice(2, start=START, end=END), created=START), secret="whsec_new") == "new"


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 2**32 - 1))
def test_webhooks_ten_times_in_any_order_are_one_payment_each(
    tmp_path_factory: pytest.TempPathFactory, stripe_double: StripeDouble, seed: int
) -> None:
    month = END - START
    events = [
        *(event(n, "invoice.paid", invoice(n, start=START + n * month, end=END + n * month), created=START + n * month) for n in range(3)),
        event(7, "invoice.payment_failed", invoice(3, start=START, end=END), created=START + 9),
        event(
            8,
            "charge.refunded",
            {"id": "ch_1", "object": "charge", "customer": "cus_501", "amount_refunded": 900, "refunded": True, "currency": "eur"},
            created=START + month + 7,
        ),
    ]
    told: list[PaymentFact] = []
    order = events * 10
    random.Random(seed).shuffle(order)
    with BotStore(f"sqlite:///{tmp_path_factory.mktemp('pay') / 'bots.sqlite'}") as store:
        shop = shop_of(store, stripe_double)
        server = server_of(shop, told)

        async def send(content: dict[str, Any]) -> None:
            await server.take(*signed(content))

        async def all_at_once() -> None:
            for first in range(0, len(order), 5):
                await asyncio.gather(*(send(content) for content in order[first : first + 5]))

        asyncio.run(all_at_once())
        with store.begin() as connection:
            facts = facts_of(connection, ADA)
        assert sorted(fact.id for fact in facts if fact.kind == "paid") == ["in_0", "in_1", "in_2"]
        assert len(told) == len(facts)
        assert shop.standing(ADA, datetime.fromtimestamp(START + 5, UTC)).state == "active"


def test_the_address_over_http(shop: Shop) -> None:
    app = server_of(shop).app()

    async def ask() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
            payload, header = signed(event(1, "invoice.paid", invoice(1, start=START, end=END), created=START))
            answers = [await client.post(PATH, content=payload, headers={"Stripe-Signature": header}) for _ in range(2)]
            answers.append(await client.post(PATH, content=payload))
            answers.append(await client.post(PATH, content=b"x" * (LARGEST + 1), headers={"Stripe-Signature": header}))
            answers += [await client.get(PATH), await client.get("/health")]
            return [answer.status_code for answer in answers]

    assert asyncio.run(ask()) == [200, 200, 400, 413, 405, 200]


def test_a_database_that_fails_is_asked_for_again(shop: Shop) -> None:
    app = server_of(shop).app()
    shop.store.close()

    class Broken:
        def begin(self) -> Any:
            raise BotError("the database is locked")

    shop.store = Broken()  # type: ignore[assignment]

    async def ask() -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
            payload, header = signed(event(1, "invoice.paid", invoice(1, start=START, end=END), created=START))
            return (await client.post(PATH, content=payload, headers={"Stripe-Signature": header})).status_code

    assert asyncio.run(ask()) == 503


def test_one_trial_in_a_life(shop: Shop) -> None:
    assert shop.begin_trial(ADA, PLANS["basic"], NOW)
    assert shop.standing(ADA, NOW).state == "trial"
    assert not shop.begin_trial(ADA, PLANS["basic"], NOW + timedelta(days=400))
    assert shop.standing(ADA, NOW + timedelta(days=8)).state == "expired"


def test_a_stop_lets_it_end_with_what_is_paid(shop: Shop, stripe_double: StripeDouble) -> None:
    take(server_of(shop), event(1, "invoice.paid", invoice(1, start=START, end=END), created=START))
    found = asyncio.run(shop.stop(ADA, NOW))
    assert stripe_double.cancelled[-1] == "sub_501"
    assert (found.state, found.until) == ("active", datetime(2024, 4, 1, tzinfo=UTC))
