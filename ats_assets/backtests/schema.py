"""The contracts of a backtest's frames. Money is in the currency of the quotes, a whole number of cents."""

from datetime import date

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig
from pandera.api.polars.types import PolarsData

from ats_assets.portfolio import CANCELLED, TRADE_REASONS
from ats_assets.portfolio.exit_prices import POSITION_GONE
from ats_assets.portfolio.limit_orders import NOT_REACHED
from ats_assets.portfolio.worked_session import WORKED_REASONS

REASONS = [*TRADE_REASONS, "cash", "costs_exceed_value", "participation", CANCELLED, *WORKED_REASONS, NOT_REACHED, POSITION_GONE]
"""Why an order was not made as wanted, or not filled, or only in part."""


def _cents(value: pl.Expr | str) -> pl.Expr:
    """A sum of money to the cent."""
    return ((pl.col(value) if isinstance(value, str) else value) * 100).round()


class Equity(pa.DataFrameModel):
    """One row a session, sorted by session. equity = cash + positions_value, and its change is pnl - costs, to the cent. Cash is below zero only where shorts made it so."""

    session: date = pa.Field(unique=True, description="the state at its close")
    cash: float = pa.Field(
        description="the proceeds of short sales included; below zero (a debit) only where a short position took more than there was"
    )
    positions_value: float = pa.Field(description="at the close, or the last one known; negative for short")
    equity: float = pa.Field(description="cash + positions_value")
    benchmark: float = pa.Field(description="the same initial cash in the benchmark, without costs")
    pnl: float = pa.Field(description="change of value of the positions in the session and income, before costs")
    income: float = pa.Field(
        description="paid by corporate actions: dividends, and cash for fractions of shares; negative where a short position paid"
    )
    commission: float = pa.Field(ge=0, description="paid in the session")
    spread_cost: float = pa.Field(ge=0, description="half of the spread on each trade")
    slippage_cost: float = pa.Field(ge=0, description="paid in the session")
    financing_cost: float = pa.Field(ge=0, description="for what was borrowed since the close before: shares that are short, and a debit")
    costs: float = pa.Field(ge=0, description="commission + spread_cost + slippage_cost + financing_cost")
    traded: float = pa.Field(ge=0, description="sum of the notionals bought and sold; delistings are not trades in the market")
    turnover: float = pa.Field(nullable=True, ge=0, description="traded / equity at the open; null where that is not positive")
    gross: float = pa.Field(nullable=True, ge=0, description="sum of |value| / equity at the close; null where equity is not positive")
    net: float = pa.Field(nullable=True, description="positions_value / equity at the close; null where equity is not positive")
    n_positions: pl.UInt32 = pa.Field(description="held at the close")
    n_trades: pl.UInt32 = pa.Field(description="in the session")
    n_unfilled: pl.UInt32 = pa.Field(description="orders of the session that were not filled, or only in part")
    margin_call: bool = pa.Field(description="less equity at the close than the positions need: they are cut at the next open")

    @pa.dataframe_check
    def adds_up(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """Cash and positions are the equity, the parts are the costs, and the equity changes by pnl less costs."""
        parts = pl.sum_horizontal("commission", "spread_cost", "slippage_cost", "financing_cost")
        change = pl.col("equity").diff().fill_null(pl.col("pnl") - pl.col("costs"))
        sums = ((pl.col("cash") + pl.col("positions_value"), "equity"), (parts, "costs"), (pl.col("pnl") - pl.col("costs"), change))
        return data.lazyframe.select(pl.all_horizontal((_cents(a) == _cents(b)) for a, b in sums))

    @pa.dataframe_check
    def only_shorts_make_a_debit(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """An account that has held no short position has no cash below zero."""
        short = ((pl.col("gross") - pl.col("net")) > 1e-12).fill_null(value=True)
        return data.lazyframe.select((pl.col("cash") >= 0) | short.cum_max().shift(1, fill_value=False))

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True


class BacktestPositions(pa.DataFrameModel):
    """What is held at each close, sorted by (session, symbol)."""

    session: date = pa.Field(description="held at its close")
    symbol: str = pa.Field(description="ticker at the session, as in the bars")
    instrument: str = pa.Field(description="id across changes of name: the source and the first ticker (docs/corporate_actions.md)")
    shares: float = pa.Field(description="negative for short; never zero")
    price: float = pa.Field(ge=0, description="the close, or the last one known; zero where payments since have left nothing of it")
    value: float = pa.Field(description="shares * price, to the cent")
    weight: float = pa.Field(nullable=True, description="value / equity; null where equity is not positive")
    basis: float = pa.Field(description="what was paid for the shares, costs included; negative (received) for short")
    unrealised_pnl: float = pa.Field(description="value - basis")
    missing_sessions: pl.UInt32 = pa.Field(description="sessions in a row without a bar")

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
        unique = ["session", "symbol"]  # noqa: RUF012


class Trades(pa.DataFrameModel):
    """Every trade, sorted by (session, sequence): closings at delisting, then sells, then buys."""

    session: date = pa.Field(description="at whose open the trade was made")
    sequence: pl.UInt32 = pa.Field(description="order within the session, from 0")
    signal_session: date = pa.Field(nullable=True, description="session of the signal behind the trade; null for a delisting")
    symbol: str = pa.Field(description="ticker at the session, as in the bars")
    instrument: str = pa.Field(description="id across changes of name: the source and the first ticker (docs/corporate_actions.md)")
    side: str = pa.Field(isin=["buy", "sell"], description="a cover is a buy, a short sale a sell")
    effect: str = pa.Field(isin=["open", "close"], description="whether the position grew or shrank; a flip is two trades")
    reason: str = pa.Field(isin=["rebalance", "exit", "delisted"], description="why; exit: that of a bracket")
    shares: float = pa.Field(gt=0, description="number traded")
    reference_price: float = pa.Field(ge=0, description="the open; at a delisting the last close, which may be zero")
    price: float = pa.Field(ge=0, description="paid or received for a share: spread, slippage and haircut included, commission not")
    notional: float = pa.Field(ge=0, description="shares * reference price; at a delisting after the haircut")
    commission: float = pa.Field(ge=0)
    spread_cost: float = pa.Field(ge=0)
    slippage_cost: float = pa.Field(ge=0)
    cash_flow: float = pa.Field(description="what the account received, costs deducted; negative for a buy")
    realised_pnl: float = pa.Field(
        nullable=True, description="of a closing trade, at average cost and after costs; null for an opening one"
    )

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
        unique = ["session", "sequence"]  # noqa: RUF012


class Unfilled(pa.DataFrameModel):
    """Orders that were not filled, or only in part, sorted by (session, symbol)."""

    session: date = pa.Field(description="at whose open the order was to be filled")
    signal_session: date = pa.Field(description="session of the signal behind the order")
    symbol: str = pa.Field(description="ticker at the session, as in the bars")
    instrument: str = pa.Field(description="id across changes of name: the source and the first ticker (docs/corporate_actions.md)")
    side: str = pa.Field(isin=["buy", "sell"])
    reason: str = pa.Field(isin=REASONS, description="why; an order that is not filled is not carried over, the next signal decides again")
    current_weight: float = pa.Field(nullable=True, description="share of equity held at the close before")
    target_weight: float = pa.Field(description="ideal share of equity of the signal")
    ordered_shares: float = pa.Field(nullable=True, description="null where there was no price to size the order with")
    filled_shares: float = pa.Field(ge=0, description="the part that was filled")

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True


class CostSensitivity(pa.DataFrameModel):
    """The backtest at multiples of its costs, sorted by (cost_multiple, session); the multiple 1 is the backtest itself."""

    cost_multiple: float = pa.Field(ge=0, description="of commission, spread, slippage and the rates for what is borrowed")
    session: date = pa.Field(description="the state at its close")
    equity: float = pa.Field(description="of the same targets, traded at these costs")
    costs: float = pa.Field(ge=0, description="paid in the session")

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
        unique = ["cost_multiple", "session"]  # noqa: RUF012


class Wanted(pa.DataFrameModel):
    """What is wanted at each close with targets against what is held, sorted by session."""

    session: date = pa.Field(unique=True, description="of the targets")
    wanted_positions: pl.UInt32 = pa.Field(description="symbols with a target weight")
    held_positions: pl.UInt32 = pa.Field(description="symbols held at the close")
    wanted_turnover: float = pa.Field(ge=0, description="sum of |change of weight| from what is held to what is wanted")
    turnover_limit: float = pa.Field(nullable=True, gt=0, description="portfolio.max_turnover; null where the engine does not keep it")
    limit_binds: bool = pa.Field(description="whether more is wanted than the limit allows")

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True


COST_SENSITIVITY_SCHEMA = pl.Schema({"cost_multiple": pl.Float64, "session": pl.Date, "equity": pl.Float64, "costs": pl.Float64})
WANTED_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        **dict.fromkeys(("wanted_positions", "held_positions"), pl.UInt32()),
        **dict.fromkeys(("wanted_turnover", "turnover_limit"), pl.Float64()),
        "limit_binds": pl.Boolean,
    }
)
EQUITY_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        **dict.fromkeys(("cash", "positions_value", "equity", "benchmark", "pnl", "income", "commission", "spread_cost"), pl.Float64()),
        **dict.fromkeys(("slippage_cost", "financing_cost", "costs", "traded", "turnover", "gross", "net"), pl.Float64()),
        **dict.fromkeys(("n_positions", "n_trades", "n_unfilled"), pl.UInt32()),
        "margin_call": pl.Boolean,
    }
)
POSITIONS_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        "symbol": pl.String,
        "instrument": pl.String,
        **dict.fromkeys(("shares", "price", "value", "weight", "basis", "unrealised_pnl"), pl.Float64()),
        "missing_sessions": pl.UInt32,
    }
)
TRADES_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        "sequence": pl.UInt32,
        "signal_session": pl.Date,
        **dict.fromkeys(("symbol", "instrument", "side", "effect", "reason"), pl.String()),
        **dict.fromkeys(("shares", "reference_price", "price", "notional", "commission", "spread_cost"), pl.Float64()),
        **dict.fromkeys(("slippage_cost", "cash_flow", "realised_pnl"), pl.Float64()),
    }
)
UNFILLED_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        "signal_session": pl.Date,
        **dict.fromkeys(("symbol", "instrument", "side", "reason"), pl.String()),
        **dict.fromkeys(("current_weight", "target_weight", "ordered_shares", "filled_shares"), pl.Float64()),
    }
)
