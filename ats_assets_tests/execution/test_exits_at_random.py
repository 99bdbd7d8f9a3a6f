"""Exits at a broker that holds back shares: whatever is bought, sold and stopped out, on evenings with and without pending cancels."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ats_assets.execution.order import OrderStatus
from ats_assets.execution.outcome import Execution
from ats_assets_tests.execution.exchange import Bench
from ats_assets_tests.execution.test_exits import OVERNIGHT, bracket, sale

START = date(2024, 3, 1)


@dataclass(frozen=True)
class Day:
    """What is planned at a close, whether cancels stay pending until the open, and what the next session fills."""

    bought: int
    sold_share: float
    overnight: bool
    filled_share: float
    stopped: bool


DAYS = st.builds(
    Day,
    bought=st.sampled_from([40, 60, 0]),
    sold_share=st.sampled_from([0.0, 0.0, 0.3, 1.0]),
    overnight=st.booleans(),
    filled_share=st.sampled_from([0.5, 1.0, 1.0]),
    stopped=st.sampled_from([False, False, False, True]),
)


@given(st.lists(DAYS, min_size=2, max_size=5))
@settings(max_examples=6, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=[HealthCheck.too_slow])
def test_no_exit_makes_a_position_and_after_the_open_each_symbol_has_one_pair_for_all_of_it(days: list[Day]) -> None:
    """Nothing is refused or halted, no id is used twice, and each share held is in the one pair of exits, or being sold; at the open before anybody looks, too."""
    with TemporaryDirectory() as folder:
        bench = Bench.at(f"sqlite:///{folder}/trade_state.sqlite", Path(folder) / "KILL")
        for i, day in enumerate(days):
            one_day(bench, START + timedelta(days=i), day)


def one_day(bench: Bench, session: date, day: Day) -> None:
    exchange = bench.exchange
    evening(bench, session)
    exchange.cancels_take, bench.broker.closed = (OVERNIGHT if day.overnight else 0.0), None
    held = exchange.held.get("AAA", Decimal(0))
    plan = [bracket(quantity=str(day.bought), session=session)] if day.bought else []
    if sold := int(float(held) * day.sold_share):
        plan = [sale(str(sold), session=session)]
    with bench.executor() as executor:
        assert executor.settle(session).waiting is None
        done: Execution = executor.execute(session, plan)
    assert done.stopped is None
    exchange.clock.at = datetime.combine(session + timedelta(days=1), time(14, 30), UTC)
    exchange.arrive()
    selling = sum(one.quantity for one in exchange.orders if one.client_order_id.endswith("-close") and not one.status.final)
    assert sum(exchange.open_pairs().values()) + selling == held
    exchange.cancels_take, bench.broker.closed, bench.broker.late = 0.0, "the auction is over", True
    follow(bench)
    fill(bench, day.filled_share)
    follow(bench)
    look(bench)
    if day.stopped and (pairs := exchange.open_pairs()):
        (stop,) = [one for one in exchange.orders if one.client_order_id in {f"{name}/stop" for name in pairs} and not one.status.final]
        exchange.fill(stop.client_order_id, stop.quantity - stop.filled_quantity, Decimal(9))
        follow(bench)
        look(bench)


def evening(bench: Bench, session: date) -> None:
    """What is not filled by the close has expired; exits stay."""
    bench.exchange.clock.at = datetime.combine(session + timedelta(days=1), time(0, 30), UTC)
    for one in list(bench.exchange.orders):
        if not one.status.final and one.broker_order_id not in bench.exchange.pairs:
            bench.exchange.change(one.client_order_id, status=OrderStatus.EXPIRED)


def follow(bench: Bench) -> None:
    with bench.executor() as executor:
        done = executor.follow_up()
    assert done is not None
    assert (done.stopped, done.waiting) == (None, ())


def fill(bench: Bench, share: float) -> None:
    for one in list(bench.exchange.orders):
        if not one.status.final and one.broker_order_id not in bench.exchange.pairs:
            quantity = one.quantity if share == 1.0 else max(Decimal(1), (one.quantity * Decimal(str(share))).to_integral_value())
            bench.exchange.fill(one.client_order_id, min(quantity, one.quantity - one.filled_quantity))
            if quantity < one.quantity:
                bench.exchange.change(one.client_order_id, status=OrderStatus.CANCELED)


def look(bench: Bench) -> None:
    held = bench.exchange.held.get("AAA", Decimal(0))
    assert held >= 0
    assert list(bench.exchange.open_pairs().values()) == ([held] if held else [])
    assert max(bench.exchange.counts().values(), default=1) == 1
    assert [alert.title for alert in bench.alerts if alert.key.startswith(("reject", "halt", "bare"))] == []
