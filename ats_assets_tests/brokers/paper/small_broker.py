"""A paper broker over bars that a test writes down."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl

from ats_assets.brokers.paper import PaperBroker
from ats_assets.calendar import SessionCalendar, session_calendar
from ats_assets.execution.order import Leg, OrderIntent, OrderKind, Side, client_order_id
from ats_assets.settings import BacktestSettings, OrdersSettings
from ats_assets.trade_state import TradeState

MONDAY = date(2020, 1, 6)
BARS = {"symbol": pl.String, "open": pl.Float64, "high": pl.Float64, "low": pl.Float64, "close": pl.Float64, "volume": pl.Float64}
ACTIONS = {"symbol": pl.String, "kind": pl.String, "ratio": pl.Float64, "cash": pl.Float64}
Bar = tuple[float, float, float, float]
Action = tuple[str, float | None, float | None]
FREE = BacktestSettings(commission_bps=0, spread_bps=0, slippage_bps=0, initial_cash=10_000)


class Days:
    """Bars of one symbol A, (open, high, low, close) for each day from Monday on; None: no bar, all days: sessions. Actions: (kind, ratio, cash) by day."""

    def __init__(self, *bars: Bar | None, actions: Mapping[int, Action] | None = None) -> None:
        self._bars = dict(enumerate(bars))
        self._actions = actions or {}

    @property
    def calendar(self) -> SessionCalendar:
        return session_calendar("24/7", date(2019, 12, 1))

    def bars(self, session: date) -> pl.DataFrame | None:
        i = (session - MONDAY).days
        if i not in self._bars:
            return None
        bar = self._bars[i]
        return pl.DataFrame([("A", *bar, 1000.0)] if bar else [], schema=BARS, orient="row")

    def actions(self, session: date) -> pl.DataFrame:
        found = self._actions.get((session - MONDAY).days)
        return pl.DataFrame([("A", *found)] if found else [], schema=ACTIONS, orient="row")


def day(i: int) -> date:
    """The i-th session."""
    return MONDAY + timedelta(days=i)


@contextmanager
def paper(
    folder: Path, *bars: Bar | None, settings: BacktestSettings = FREE, actions: Mapping[int, Action] | None = None
) -> Iterator[PaperBroker]:
    """A broker whose account was opened at the close of the first session."""
    with TradeState(f"sqlite:///{folder / 'state.sqlite'}") as state:
        broker = PaperBroker(state, Days(*bars, actions=actions), settings, OrdersSettings())
        assert broker.settle(day(0)) is None
        yield broker


def order(i: int, side: str, quantity: int, kind: OrderKind = OrderKind.MARKET_ON_OPEN, **prices: str) -> OrderIntent:
    """An order decided at the close of the i-th session."""
    leg = Leg.OPEN if side == "buy" else Leg.CLOSE
    bounds = {name: Decimal(price) for name, price in prices.items()}
    identity = client_order_id(day(i), "main", "A", leg)
    return OrderIntent(
        client_order_id=identity,
        session=day(i),
        strategy="main",
        symbol="A",
        side=Side(side),
        leg=leg,
        quantity=Decimal(quantity),
        kind=kind,
        decision_price=Decimal(10),
        **bounds,
    )
