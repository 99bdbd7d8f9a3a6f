"""Who has what: worked out from facts alone, whatever their order and however often they were told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.bots.subscriptions.payment_facts import PaymentFact
from ats_assets.bots.subscriptions.standing import standing
from ats_assets.bots.subscriptions.subscription_plans import SubscriptionPlan, minor_units
from ats_assets.errors import SettingsError

NOW = datetime(2024, 3, 15, 12, 0, tzinfo=UTC)
GRACE = timedelta(days=3)
BASIC = SubscriptionPlan(name="basic", title="Basic", price=Decimal("9.00"), currency="EUR", period="month")
FULL = SubscriptionPlan(name="full", title="Full", price=Decimal("29.00"), currency="EUR", period="month")
PLANS = {"basic": BASIC, "full": FULL}


def paid(day: int, *, id_: str = "", month: int = 3, plan: str = "basic", **more: object) -> PaymentFact:
    at = datetime(2024, month, day, 12, 0, tzinfo=UTC)
    whole = {"provider": "stripe", "id": id_ or f"{plan}-{month}-{day}", "kind": "paid", "person": "telegram:1", "plan": plan, "at": at}
    return PaymentFact(**(whole | {"amount": PLANS[plan].amount, "currency": "EUR", "customer": "cus_1"} | more))  # type: ignore[arg-type]


def test_a_payment_covers_a_period_and_the_next_one_goes_on_after_it() -> None:
    assert standing([], PLANS, NOW, GRACE).state == "none"
    assert standing([paid(1)], PLANS, NOW, GRACE).until == datetime(2024, 4, 1, 12, 0, tzinfo=UTC)
    twice = standing([paid(1), paid(10)], PLANS, NOW, GRACE)
    assert (twice.state, twice.until) == ("active", datetime(2024, 5, 1, 12, 0, tzinfo=UTC))


def test_what_the_service_says_a_payment_is_for_counts() -> None:
    until = datetime(2024, 3, 20, tzinfo=UTC)
    assert standing([paid(1, covers_from=NOW - timedelta(days=5), covers_until=until)], PLANS, NOW, GRACE).until == until


def test_of_two_plans_at_once_the_dearer_one_counts() -> None:
    both = standing([paid(1), paid(2, plan="full")], PLANS, NOW, GRACE)
    assert both.plan == FULL


def test_grace_is_for_subscriptions_that_go_on_asking_for_money() -> None:
    old = paid(14, month=2, subscription="sub_1")
    assert standing([old], PLANS, NOW, GRACE).state == "grace"
    assert standing([old], PLANS, NOW + timedelta(days=3), GRACE).state == "expired"
    assert standing([replace(old, subscription="")], PLANS, NOW, GRACE).state == "expired"
    ended = replace(old, id="end", kind="ended", at=NOW - timedelta(days=1))
    assert standing([old, ended], PLANS, NOW, GRACE).state == "expired"


def test_the_end_of_a_subscription_ends_what_it_paid() -> None:
    one = paid(10, subscription="sub_1")
    ended = replace(one, id="end", kind="ended", at=datetime(2024, 3, 12, tzinfo=UTC))
    assert standing([one, ended], PLANS, NOW, GRACE).state == "expired"
    later = replace(ended, at=NOW + timedelta(days=1))
    assert standing([one, later], PLANS, NOW, GRACE) == replace(standing([one], PLANS, NOW, GRACE), until=later.at, renews=False)


def test_a_refund_takes_away_the_payment_that_it_is_of() -> None:
    refund = paid(12, id_="r", kind="refunded")
    assert standing([paid(10), refund], PLANS, NOW, GRACE).state == "none"
    two = [paid(9, id_="a"), paid(10, id_="b"), refund]
    assert standing(two, PLANS, NOW, GRACE).until == datetime(2024, 4, 9, 12, 0, tzinfo=UTC)
    others = [
        paid(10),
        replace(refund, customer="cus_2"),
        replace(refund, id="r2", amount=1),
        replace(refund, id="r3", at=NOW - timedelta(days=9)),
    ]
    assert standing(others, PLANS, NOW, GRACE).state == "active"


def test_a_plan_that_is_no_more_counts_for_nothing() -> None:
    assert standing([paid(10)], {"full": FULL}, NOW, GRACE).state == "none"


KINDS = st.sampled_from(["paid", "paid", "paid", "failed", "ended", "refunded", "trial"])
FACTS = st.lists(
    st.builds(
        lambda n, kind, day, plan, sub: paid(day, id_=f"{n}", month=2, plan=plan, kind=kind, subscription=f"sub_{sub}", customer=f"cus_{sub}"),
        st.integers(0, 30), KINDS, st.integers(1, 28), st.sampled_from(["basic", "full"]), st.integers(1, 2),
    ),
    max_size=12,
    unique_by=lambda fact: fact.id,
)  # fmt: skip


@given(FACTS, st.randoms(use_true_random=False), st.integers(1, 10))
def test_order_and_repetition_make_no_difference(facts: list[PaymentFact], random: object, times: int) -> None:
    told = facts * times
    random.shuffle(told)  # type: ignore[attr-defined]
    for day in range(0, 60, 7):
        now = datetime(2024, 2, 1, tzinfo=UTC) + timedelta(days=day)
        assert standing(told, PLANS, now, GRACE) == standing(facts, PLANS, now, GRACE)


@given(FACTS)
def test_nobody_has_more_time_than_was_paid_for(facts: list[PaymentFact]) -> None:
    """Of a plan without periods told by a service: as many days as its payments, at most, and none before the first."""
    seen = 0
    for day in range(120):
        now = datetime(2024, 1, 25, tzinfo=UTC) + timedelta(days=day)
        seen += standing(facts, PLANS, now, timedelta(0)).sees
    assert seen <= 31 * sum(fact.kind in {"paid", "trial"} for fact in facts) + 1


@pytest.mark.parametrize(
    ("price", "currency", "amount"), [("19.5", "EUR", 1950), ("500", "JPY", 500), ("1.234", "KWD", 1234), ("0", "EUR", 0)]
)
def test_prices_are_whole_numbers_of_the_smallest_unit(price: str, currency: str, amount: int) -> None:
    assert minor_units(Decimal(price), currency) == amount


@pytest.mark.parametrize(("price", "currency"), [("19.505", "EUR"), ("0.5", "JPY"), ("-1", "EUR")])
def test_no_price_is_rounded(price: str, currency: str) -> None:
    with pytest.raises(SettingsError, match="is no price"):
        minor_units(Decimal(price), currency)
