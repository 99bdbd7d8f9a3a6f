from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from ats_assets.errors import ContractError
from ats_assets.execution.order import Leg, OrderKind, Side, client_order_id
from ats_assets.orders.order_plan import intents_of, order_plan
from ats_assets.orders.schema import ACCOUNT_SCHEMA, INSTRUMENTS_SCHEMA, POSITIONS_SCHEMA
from ats_assets.settings import MarginSettings, OrderLimitSettings, OrdersSettings, PortfolioSettings

DAY = date(2024, 3, 1)
FREE = PortfolioSettings(max_weight=1, max_turnover=4, no_trade_band=0.0, max_gross=2, max_net=2)
WIDE = OrderLimitSettings(
    allow_short=True, max_order_share=9, max_day_share=9, max_position_share=9, max_gross_share=9, min_trade_notional=0
)


def plan(
    weights: dict[str, float],
    closes: dict[str, float],
    held: dict[str, float] | None = None,
    *,
    cash: float = 10_000.0,
    buying_power: float = 1e9,
    closed: tuple[str, ...] = (),
    held_only: tuple[str, ...] = (),
    factors: dict[str, float] | None = None,
    orders: OrdersSettings | None = None,
    fractional: bool = False,
    steps: tuple[float | None, float | None, float | None] = (None, None, None),
    margin: MarginSettings | None = None,
    changes: dict[str, str] | None = None,
    exposure: float = 1.0,
) -> pl.DataFrame:
    """A plan of DAY: target weights, closes, shares held, what is allowed of each position.

    `closed` symbols are not tradable at the broker, in those of `held_only` no position is opened. `steps`: of prices, of quantities, smallest order.
    """
    held = held or {}
    symbols = sorted({*weights, *held})
    return order_plan(
        DAY,
        targets=pl.DataFrame(
            {"symbol": list(weights), "target_weight": list(weights.values())}, schema={"symbol": pl.String, "target_weight": pl.Float64}
        ).with_columns([pl.Series("allowed_change", [changes[one] for one in weights], dtype=pl.String)] if changes else []),
        bars=pl.DataFrame({"symbol": list(closes), "close": list(closes.values()), "volume": 1.0}),
        positions=pl.DataFrame(
            [(DAY, s, s, n, 0.0, closes.get(s, 1.0), 0.0) for s, n in held.items()], schema=POSITIONS_SCHEMA, orient="row"
        ),
        account=pl.DataFrame([(DAY, "paper", "a", cash, cash, buying_power, False, None, None)], schema=ACCOUNT_SCHEMA, orient="row"),
        instruments=pl.DataFrame(
            [(DAY, s, s not in closed, True, True, None, s not in held_only, (factors or {}).get(s, 1.0), *steps) for s in symbols],
            schema=INSTRUMENTS_SCHEMA,
            orient="row",
        ),
        portfolio=FREE,
        orders=orders or OrdersSettings(limits=WIDE),
        fractional=fractional,
        margin=margin,
        exposure=exposure,
    )


def test_targets_less_what_is_held() -> None:
    """Equity 9,000 + 100 * 10: A is to be 20% of it (200 at 10), B leaves (50 of 20), C is 10% (at 30: 36 of 36.7)."""
    made = plan({"A": 0.2, "B": 0.0, "C": 0.11}, {"A": 10, "B": 20, "C": 30}, {"B": 50}, cash=9_000)
    assert made.select("symbol", "leg", "side", "quantity", "client_order_id").rows() == [
        ("A", "open", "buy", 200, "main-20240301-A-open"),
        ("B", "close", "sell", 50, "main-20240301-B-close"),
        ("C", "open", "buy", 36, "main-20240301-C-open"),
    ]
    assert made["notional"].to_list() == [2000, 1000, 1080]
    assert made["kind"].unique().to_list() == ["market_on_open"]
    assert made["reason"].null_count() == 3


def test_a_change_of_side_is_two_orders_and_closing_is_sent_first() -> None:
    made = plan({"A": -0.5, "B": 0.5}, {"A": 10, "B": 10}, {"A": 100}, cash=9_000)
    intents = intents_of(made, "main")
    assert [(i.symbol, i.leg, i.side, i.quantity) for i in intents] == [
        ("A", Leg.CLOSE, Side.SELL, Decimal(100)),
        ("A", Leg.OPEN, Side.SELL, Decimal(500)),
        ("B", Leg.OPEN, Side.BUY, Decimal(500)),
    ]


def test_fractions_are_bought_and_never_sold_short() -> None:
    """A tenth of 10,000 at 306.12 is 3.2666928 shares, which no broker sells short: 3 (it was the fraction)."""
    made = plan({"LNG": 0.1, "SHT": -0.1}, {"LNG": 251.30, "SHT": 306.12}, fractional=True)
    assert [(i.symbol, i.side, i.quantity) for i in intents_of(made, "main")] == [
        ("SHT", Side.SELL, Decimal(3)),
        ("LNG", Side.BUY, Decimal("3.9793076")),
    ]


def test_a_margin_call_is_planned_without_signals() -> None:
    """1,000 short at 16 and cash of 20,000: equity 4,000 is below 4,800. 8,000 may be held: 500 are covered."""
    made = plan({}, {"A": 16}, {"A": -1_000}, cash=20_000, margin=MarginSettings())
    assert made.select("symbol", "leg", "side", "quantity", "target_weight", "reason").rows() == [
        ("A", "close", "buy", 500, -4.0, "margin_call")
    ]
    assert plan({}, {"A": 14}, {"A": -1_000}, cash=20_000, margin=MarginSettings()).is_empty()


def test_what_is_wanted_and_not_ordered_is_told_with_its_reason() -> None:
    limits = WIDE.model_copy(update={"max_order_notional": 1_000.0, "allow_short": False})
    made = plan({"A": 0.5, "B": -0.1, "C": 0.1}, {"A": 10, "B": 10, "C": 10}, closed=("C",), orders=OrdersSettings(limits=limits))
    assert made.select("symbol", "quantity", "wanted", "reason").rows() == [
        ("A", 100, 500, "limit_order"),
        ("B", 0, 100, "limit_short"),
        ("C", 0, 100, "not_tradable"),
    ]
    assert made.filter(quantity=0)["client_order_id"].to_list() == [None, None]
    assert [i.symbol for i in intents_of(made, "main")] == ["A"]


def test_a_symbol_that_the_broker_was_not_asked_for_is_not_ordered() -> None:
    made = plan({"A": 0.5}, {"A": 10}).clear()
    assert made.is_empty()
    assert plan({"A": 0.5}, {"A": 10}, closed=("A",))["quantity"].to_list() == [0]


def test_without_signals_there_is_no_opinion() -> None:
    assert plan({}, {"A": 10}, {"A": 100}).is_empty()


def test_buying_power_is_kept() -> None:
    made = plan({"A": 0.5, "B": 0.5}, {"A": 10, "B": 10}, buying_power=4_000)
    assert made["notional"].to_list() == [2_000, 2_000]
    assert made["reason"].unique().to_list() == ["limit_buying_power"]


@pytest.mark.parametrize(
    ("kind", "weight", "held", "bounds"),
    [
        ("market_on_open", 0.5, 0, (OrderKind.MARKET_ON_OPEN, None, None, None)),
        ("limit", 0.5, 0, (OrderKind.LIMIT, "10.37", None, None)),  # 9.876 * 1.05 = 10.3698, toward the price: 10.36
        ("bracket", 0.5, 0, (OrderKind.BRACKET, "10.37", "10.86", "9.39")),
        ("bracket", -0.5, 0, (OrderKind.BRACKET, "9.38", "8.89", "10.37")),
        ("bracket", 0.0, 100, (OrderKind.LIMIT, "9.38", None, None)),  # what closes a position has no exits
    ],
)
def test_prices_lie_a_collar_away_on_the_tick(
    kind: Any, weight: float, held: float, bounds: tuple[OrderKind, str | None, str | None, str | None]
) -> None:
    orders = OrdersSettings(kind=kind, collar_bps=500, take_profit_bps=1_000, stop_loss_bps=500, limits=WIDE)
    (intent,) = intents_of(plan({"A": weight}, {"A": 9.876}, {"A": held} if held else {}, orders=orders), "main")
    assert intent.kind is bounds[0]
    prices = (intent.limit_price, intent.take_profit, intent.stop_loss)
    for price, near in zip(prices, bounds[1:], strict=True):
        assert (price is None) == (near is None)
        if price is not None and near is not None:
            assert abs(price - Decimal(near)) <= Decimal("0.01")
            assert price == price.quantize(Decimal("0.01"))
            assert abs(price - Decimal("9.876")) <= Decimal("9.876") * Decimal("0.1")


def test_prices_below_a_dollar_have_the_small_tick() -> None:
    orders = OrdersSettings(kind="limit", collar_bps=500, limits=WIDE)
    (intent,) = intents_of(plan({"A": 0.5}, {"A": 0.4321}, orders=orders), "main")
    assert intent.limit_price == Decimal("0.4537")  # 0.453705


@pytest.mark.parametrize(
    ("symbol", "price", "held", "weight", "step", "bounds"),
    [
        ("SHIB/USD", 0.0000105, 0.0, 0.1, None, ("0.0000105", "0.000011025")),  # it was 0.0001, ten times the price
        ("SHIB/USD", 0.0000105, 1e8, 0.0, None, ("0.000009975", "0.0000105")),
        ("SHIB/USD", 0.0000105, 0.0, 0.1, 1e-8, ("0.0000105", "0.00001102")),
        ("BTC/USD", 61_234.5, 0.0, 0.1, 1.0, ("61234.5", "64296")),
        ("PNY", 0.97, 0.0, 0.1, None, ("1.01", "1.01")),  # 1.0185 is above one dollar: cents
        ("PNY", 1.02, 100.0, 0.0, None, ("0.969", "0.969")),  # and 0.969 is below
        ("OTC", 0.00004, 0.0, 0.1, None, ("0.00004", "0.000042")),  # cheaper than the smallest tick of a share
    ],
)
def test_limits_lie_within_the_collar_on_the_instruments_own_grid(
    symbol: str, price: float, held: float, weight: float, step: float | None, bounds: tuple[str, str]
) -> None:
    orders = OrdersSettings(kind="limit", collar_bps=500, limits=WIDE)
    made = plan({symbol: weight}, {symbol: price}, {symbol: held} if held else {}, orders=orders, fractional=True, steps=(step, None, None))
    (intent,) = intents_of(made, "main")
    assert intent.limit_price is not None
    assert Decimal(bounds[0]) <= intent.limit_price <= Decimal(bounds[1])
    assert step is None or intent.limit_price % Decimal(str(step)) == 0


def test_quantities_are_multiples_of_the_increment_and_not_below_the_smallest_order() -> None:
    (intent,) = intents_of(plan({"BTC/USD": 0.1}, {"BTC/USD": 61_234.5}, fractional=True, steps=(1.0, 0.0001, 0.0001)), "main")
    assert intent.quantity == Decimal("0.0163")  # of 0.016330663
    made = plan({"BTC/USD": 0.1}, {"BTC/USD": 61_234.5}, fractional=True, steps=(1.0, 0.0001, 0.02))
    assert made.select("quantity", "client_order_id", "reason").rows() == [(0.0, None, "too_small")]


def test_fractions_of_shares_come_through_exactly() -> None:
    (intent,) = intents_of(plan({"A": 0.1}, {"A": 3.0}, fractional=True), "main")
    assert intent.quantity == Decimal("333.333333333")


def test_an_unknown_account_is_refused() -> None:
    with pytest.raises(ContractError, match="account of session 2024-03-01 has 0 rows"):
        order_plan(
            DAY,
            targets=pl.DataFrame({"symbol": ["A"], "target_weight": [0.5]}),
            bars=pl.DataFrame({"symbol": ["A"], "close": [1.0], "volume": [1.0]}),
            positions=POSITIONS_SCHEMA.to_frame(),
            account=ACCOUNT_SCHEMA.to_frame(),
            instruments=INSTRUMENTS_SCHEMA.to_frame(),
            portfolio=FREE,
            orders=OrdersSettings(),
            fractional=False,
        )


def test_ids_are_short_and_plain_and_differ() -> None:
    names = ["A", "BRK.B", "BTC/USD", "X" * 60, "Ä"]
    ids = {client_order_id(DAY, "main", name, leg) for name in names for leg in Leg}
    assert len(ids) == len(Leg) * len(names)
    assert all(len(one) <= 48 and one.isascii() and " " not in one and "/" not in one for one in ids)
    assert client_order_id(DAY, "main", "AAPL", Leg.OPEN) == "main-20240301-AAPL-open"


def test_a_pair_that_is_not_priced_in_dollars_is_refused_and_not_counted() -> None:
    """ETH/BTC at 0.05 was bought for 0.05 dollars each, and 100 of it held counted as 5 dollars; the others are planned as without it."""
    alone = plan({"A": 0.5}, {"A": 10.0}, cash=10_000)
    made = plan({"A": 0.5, "ETH/BTC": 0.2}, {"A": 10.0, "ETH/BTC": 0.05}, {"ETH/BTC": 100}, cash=10_000)
    pair = made.filter(symbol="ETH/BTC")
    assert pair.select("quantity", "client_order_id", "decision_price", "notional").rows() == [(0.0, None, None, 0.0)]
    assert pair["reason"].to_list() == ["not_tradable"]
    assert made.filter(symbol="A").equals(alone)


def test_what_is_held_without_signals_is_not_ordered_but_where_a_rule_or_the_brake_makes_it_smaller() -> None:
    """A is a share heavier than its weight says, B lighter; C was cut by a rule, D to nothing, E is another strategy's. What no target names leaves, but where all positions stay."""
    prices, held = dict.fromkeys("ABCDEF", 10.0), {"A": 201, "B": 150, "C": 120, "D": 80, "E": 10, "F": 5}
    weights = {"A": 0.2, "B": 0.2, "C": 0.1, "D": 0.0, "E": 0.05}
    changes = {"A": "none", "B": "none", "C": "smaller", "D": "smaller", "E": "any"}
    cash = 10_000.0 - 10 * sum(held.values())
    made = plan(weights, prices, held, cash=cash, changes=changes)
    assert made.select("symbol", "side", "quantity").rows() == [
        ("C", "sell", 20.0),
        ("D", "sell", 80.0),
        ("E", "buy", 40.0),
        ("F", "sell", 5.0),
    ]
    all_stay = plan(weights, prices, held, cash=cash, changes=dict.fromkeys(weights, "none"))
    assert all_stay.is_empty()
    braked = plan(weights, prices, held, cash=cash, changes=dict.fromkeys(weights, "none"), exposure=0.9)
    assert braked.select("symbol", "quantity").rows() == [("A", 21.0), ("C", 30.0)]
