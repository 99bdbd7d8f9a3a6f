"""What every execution algorithm must do: derive a class `Test…` from `AlgorithmKit` and name the plugin.

class TestMine(AlgorithmKit):
    plugin = PLUGIN
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest
from pydantic import BaseModel

from ats_assets.algorithms import (
    MINUTE_SCHEMA,
    Algorithm,
    Answer,
    ChildRecord,
    Increments,
    Leg,
    OrderStatus,
    Parent,
    SendChild,
    SessionMarket,
    Side,
    child_order_id,
    filled,
)
from ats_assets.algorithms.matching import MatchingRules
from ats_assets.algorithms.played_session import PlayedSession, SessionTimes, WorkedOrder
from ats_assets.algorithms.simulated_session import play_session
from ats_assets.algorithms.stepping import DayEnd, next_step
from ats_assets.algorithms.symbol_day import SymbolDay
from ats_assets.plugins import Plugin
from ats_assets_tests.kits.settings import judge_settings

OPENS, CLOSES = datetime(2024, 3, 4, 14, 30, tzinfo=UTC), datetime(2024, 3, 4, 21, 0, tzinfo=UTC)
TIMES = SessionTimes(session=date(2024, 3, 4), opens_at=OPENS, closes_at=CLOSES)
MINUTES = int((CLOSES - OPENS) / timedelta(minutes=1))


def minute_bars(seed: int, *, price: float = 10.0, volume: int = 2000, missing: float = 0.1) -> pl.DataFrame:
    """A random session with quotes: some minutes without a trade, one in ten thin, prices on the grid."""
    rng = np.random.default_rng(seed)
    step = 0.01 if price >= 1 else 0.0001
    closes = np.maximum(np.round(price * np.exp(np.cumsum(rng.normal(0, 8e-4, MINUTES))) / step), 1) * step
    opens = np.concatenate([[price], closes[:-1]])
    wick = np.round(rng.exponential(1.0, (2, MINUTES))) * step
    starts = [OPENS + timedelta(minutes=i) for i in range(MINUTES)]
    frame = pl.DataFrame(
        {
            "starts_at": starts,
            "open": opens,
            "high": np.maximum(opens, closes) + wick[0],
            "low": np.maximum(np.minimum(opens, closes) - wick[1], step),
            "close": closes,
            "volume": rng.integers(0, volume, MINUTES).astype(float),
            "known_at": [at + timedelta(minutes=1) for at in starts],
            "bid": np.maximum(closes - step, step),
            "ask": np.maximum(closes, 2 * step),
        }
    )
    kept = frame.filter(pl.Series(rng.random(MINUTES) >= missing))
    return kept.cast({"starts_at": MINUTE_SCHEMA["starts_at"], "known_at": MINUTE_SCHEMA["known_at"]})


def day_of(bars: pl.DataFrame) -> SymbolDay:
    profile = np.cumsum(1.0 + np.cos(np.linspace(0, 2 * np.pi, MINUTES)))
    return SymbolDay(symbol="AAPL", bars=bars, volume_profile=profile / profile[-1], day_volume=400_000.0, volatility=0.02)


def order(quantity: str = "2000", side: Side = Side.BUY, **changes: Any) -> Parent:
    values: dict[str, Any] = {
        "client_order_id": f"main-20240301-AAPL-{side}",
        "symbol": "AAPL",
        "side": side,
        "leg": Leg.OPEN,
        "quantity": Decimal(quantity),
        "decision_price": Decimal("10.00"),
        "starts_at": OPENS,
        "ends_at": CLOSES - timedelta(minutes=15),
    }
    return Parent(**(values | changes))


@dataclass
class Recording:
    """An algorithm that notes what it was asked and what it said."""

    inner: Algorithm
    anew: Plugin[Any, Any] | None = None
    """Makes another one for each question, as a process does that is started again."""
    needs_bars: bool = True
    before_open: bool = False
    asked: list[tuple[Parent, tuple[ChildRecord, ...], SessionMarket, Answer]] = field(default_factory=list)

    @property
    def settings(self) -> BaseModel:
        return self.inner.settings

    def next(self, parent: Parent, children: Sequence[ChildRecord], market: SessionMarket) -> Answer:
        one = self.anew.make(self.inner.settings) if self.anew else self.inner
        answer = one.next(parent, tuple(children), market)
        self.asked.append((parent, tuple(children), market, answer))
        return answer


class AlgorithmKit:
    """The tests of one algorithm, on sessions made by chance."""

    plugin: ClassVar[Plugin[Any, Any]]
    small: ClassVar[Mapping[str, Any]] = {}
    """Settings with which it sends something of an order for 2,000 shares in a session with 1,000 a minute."""

    def made(self) -> Any:
        return self.plugin.make(self.plugin.settings.model_validate({**self.small}))

    def played(
        self, algorithm: Any, bars: pl.DataFrame, parent: Parent | None = None, *, share: float = 0.25, day_end: DayEnd | None = None
    ) -> PlayedSession:
        orders = [WorkedOrder(parent=parent or order(), algorithm=algorithm, day_end=day_end or DayEnd())]
        return play_session(orders, {"AAPL": day_of(bars)}, TIMES, rules=MatchingRules(volume_share=share))

    def recorded(self, bars: pl.DataFrame, parent: Parent | None = None, **more: Any) -> tuple[Recording, PlayedSession]:
        one = Recording(self.made())
        one.needs_bars = one.inner.needs_bars
        return one, self.played(one, bars, parent, **more)

    @pytest.mark.parametrize("side", list(Side))
    def test_it_sends_something_and_each_answer_has_a_reason(self, side: Side) -> None:
        _, played = self.recorded(minute_bars(1), order(side=side))
        assert any(isinstance(step.answer, SendChild) for step in played.steps), (
            "it sends nothing on this market: give `small` settings with which it does"
        )
        assert all(step.answer.reason for step in played.steps)
        assert all(fill.side is side for fill in played.fills)

    @pytest.mark.parametrize("seed", [1])
    def test_the_same_question_has_the_same_answer_whenever_and_whoever_asks(self, seed: int) -> None:
        """Backwards, by another one, and by the same one again: what it was asked before makes no difference."""
        one, _ = self.recorded(minute_bars(seed))
        other = self.made()
        for parent, children, market, answer in reversed(one.asked):
            assert other.next(parent, children, market) == answer, (
                f"another answer at {market.now}: it keeps something, or looks at the clock"
            )
            assert one.inner.next(parent, children, market) == answer, (
                f"another answer at {market.now}: it keeps something, or looks at the clock"
            )

    def test_started_again_before_each_answer_it_does_the_same(self) -> None:
        bars = minute_bars(3)
        _, once = self.recorded(bars)
        again = Recording(self.made(), anew=self.plugin, needs_bars=self.made().needs_bars)
        assert self.played(again, bars) == once

    @pytest.mark.parametrize("minute", [0, 20, 120, 300, 380])
    def test_what_comes_later_changes_no_order_before(self, minute: int) -> None:
        bars, now = minute_bars(4), OPENS + timedelta(minutes=minute)
        later = pl.col("known_at") > pl.lit(now)
        prices = [
            pl.when(later).then(pl.col(name) * 1.5).otherwise(name).alias(name) for name in ("open", "high", "low", "close", "bid", "ask")
        ]
        other = bars.with_columns(*prices, pl.when(later).then(pl.col("volume") * 3).otherwise("volume").alias("volume"))
        other = other.with_columns(pl.col("open").round(2))
        told = [[step for step in self.recorded(frame)[1].steps if step.at <= now] for frame in (bars, other, bars)]
        assert told[0] == told[1] == told[2], "bars that were not known yet have changed what it did"

    @pytest.mark.parametrize("seed", range(6))
    def test_it_never_fills_more_than_was_decided_and_its_orders_can_be_sent(self, seed: int) -> None:
        """On thin and thick markets, at odd quantities, with and without a limit; an answer that can't be carried out raises."""
        rng = np.random.default_rng(seed)
        price = float(rng.choice([0.53, 10.0, 240.0]))
        bars = minute_bars(seed, price=price, volume=int(rng.choice([3, 200, 5000])))
        increments = [
            Increments(),
            Increments(quantity=Decimal(100), least_quantity=Decimal(100)),
            Increments(quantity=Decimal("0.001"), least_quantity=Decimal("0.001")),
        ]
        parent = order(
            str(rng.choice(["1", "7", "100", "12345", "0.5"])),
            side=Side(rng.choice(list(Side))),
            limit_price=None if rng.random() < 0.5 else Decimal(str(round(price * float(rng.uniform(0.99, 1.01)), 4))),
            urgency=float(rng.random()),
            decision_price=Decimal(str(price)),
            increments=increments[seed % 3],
        )
        unfilled: Any = ("cross", "close", "end")[int(rng.integers(3))]
        one, played = self.recorded(bars, parent, share=float(rng.choice([0.02, 0.5])), day_end=DayEnd(unfilled=unfilled))
        assert sum((fill.quantity for fill in played.fills), Decimal(0)) <= parent.quantity
        (made,) = played.orders
        assert filled(made.children) == sum((fill.quantity for fill in played.fills), Decimal(0))
        assert not any(child.pending for child in made.children)
        assert [child.number for child in made.children] == list(range(1, len(made.children) + 1))
        for _, children, _, _ in one.asked:
            assert sum((child.filled + child.pending for child in children), Decimal(0)) <= parent.quantity

    def test_refusals_do_not_make_it_send_for_ever(self) -> None:
        """As a broker that refuses each order would have it."""
        bars, one, children = minute_bars(5), self.made(), []
        parent, day = order(), day_of(bars)
        for minute in range(-1, MINUTES):
            now, answer = OPENS + timedelta(minutes=minute), None
            market = SessionMarket(
                session=TIMES.session,
                opens_at=OPENS,
                closes_at=CLOSES,
                now=now,
                bars=bars.head(day.known_by(now)).select(MINUTE_SCHEMA.names()),
                last=Decimal(10),
            )
            for _ in range(5):
                answer = next_step(one, parent, children, market)
                if not isinstance(answer, SendChild):
                    break
                number = len(children) + 1
                children.append(
                    ChildRecord(
                        number=number,
                        client_order_id=child_order_id(parent.client_order_id, number),
                        kind=answer.kind,
                        quantity=answer.quantity,
                        limit_price=answer.limit_price,
                        sent_at=now,
                        status=OrderStatus.REJECTED,
                        ended_at=now,
                    )
                )
            assert not isinstance(answer, SendChild), f"it sends one refused order after the other at {now}"
        assert len(children) <= 5

    def test_without_bars_it_waits_or_needs_none(self) -> None:
        _, played = self.recorded(MINUTE_SCHEMA.to_frame())
        if self.made().needs_bars:
            assert played.steps == ()
            assert played.orders[0].reason == "no_minute_bars"

    def test_an_order_that_is_worked_later_is_left_alone_until_then(self) -> None:
        starts = OPENS + timedelta(minutes=100)
        if self.made().before_open:
            return
        _, played = self.recorded(minute_bars(6), order(starts_at=starts))
        assert all(step.at >= starts for step in played.steps)

    def test_its_settings_are_frozen_have_defaults_and_know_no_other_name(self) -> None:
        judge_settings(self.plugin)
