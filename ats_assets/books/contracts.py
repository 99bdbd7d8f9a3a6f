"""The contracts of the tables of `strategy_books`. Money is in the account's currency, a whole number of cents; a cost is positive where it was paid."""

from datetime import date

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig
from pandera.api.polars.types import PolarsData
from pandera.polars import DataFrameModel

STRATEGY = "of the settings; `unallocated` is the capital that no strategy has"
INSTRUMENT = "id across changes of name: the source and the first ticker (docs/corporate_actions.md)"
PNL = "change of value of the positions and income, before costs"
COSTS = ("commission", "spread_cost", "slippage_cost", "borrow_cost", "interest")
DIMENSIONS = ["strategy", "model", "factor", "symbol", "cost"]


def _cents(value: pl.Expr) -> pl.Expr:
    return (value * 100).round()


class _Strict(BaseConfig):
    """Columns are exactly these."""

    strict = True
    ordered = True


class BookEquity(pa.DataFrameModel):
    """Each strategy's book at each close, sorted by session, then as in the settings. Over the strategies it sums to the account."""

    session: date = pa.Field(description="the state at its close")
    strategy_: str = pa.Field(alias="strategy", description=STRATEGY)
    capital: float = pa.Field(description="share of the account's equity that it may hold")
    allocated: float = pa.Field(nullable=True, description="capital * equity of the account at the close before: what its return is of")
    cash: float = pa.Field(
        description="its share of the first cash, and all that it has received and paid since; below zero where others lent it"
    )
    positions_value: float = pa.Field(description="its positions at the close")
    equity: float = pa.Field(description="cash + positions_value")
    pnl: float = pa.Field(description=PNL)
    income: float = pa.Field(description="paid by corporate actions; negative where a short position paid")
    commission: float = pa.Field(description="paid in the session")
    spread_cost: float = pa.Field(description="half of the spread on what it traded with the market")
    slippage_cost: float = pa.Field(description="paid in the session")
    borrow_cost: float = pa.Field(description="for shares that are short")
    interest: float = pa.Field(description="for a debit of the account")
    other: float = pa.Field(description="cash of no trade and no action: deposits, fees of the account, rounding of another engine")
    crossed: float = pa.Field(ge=0, description="traded with other strategies, at the market's price and no cost")
    n_positions: pl.UInt32 = pa.Field(description="held at the close")

    @pa.dataframe_check
    def adds_up(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """Cash and positions are the equity, and it changes by pnl less costs, and by other cash."""
        change = pl.col("pnl") - pl.sum_horizontal(COSTS) + pl.col("other")
        moved = pl.col("equity").diff().over("strategy", order_by="session").fill_null(change)
        whole = _cents(pl.col("cash") + pl.col("positions_value")) == _cents(pl.col("equity"))
        return data.lazyframe.select(whole & (_cents(moved) == _cents(change)))

    class Config(_Strict):
        """One row for each strategy and session."""

        unique = ["session", "strategy"]  # noqa: RUF012


class BookPositions(pa.DataFrameModel):
    """What each strategy holds at each close, sorted by session, strategy, instrument. Strategies may hold opposite positions of which the account holds none."""

    session: date = pa.Field(description="held at its close")
    strategy_: str = pa.Field(alias="strategy", description=STRATEGY)
    symbol: str = pa.Field(description="ticker at the session")
    instrument: str = pa.Field(description=INSTRUMENT)
    shares: float = pa.Field(description="negative for short; never zero")
    price: float = pa.Field(nullable=True, ge=0, description="the close, or the last one known")
    value: float = pa.Field(description="shares * price; over the strategies, the account's value to the cent")

    class Config(_Strict):
        """One row for each strategy and instrument."""

        unique = ["session", "strategy", "instrument"]  # noqa: RUF012


class BookFills(pa.DataFrameModel):
    """What each strategy traded, in the order in which it was; over the strategies, the account's fills."""

    session: date = pa.Field(description="at whose open it was traded")
    strategy_: str = pa.Field(alias="strategy", description=STRATEGY)
    symbol: str = pa.Field(description="ticker at the session")
    instrument: str = pa.Field(description=INSTRUMENT)
    how: str = pa.Field(isin=["market", "crossed", "both", "delisted"], description="with whom: the market, other strategies, or both")
    shares: float = pa.Field(description="negative for a sale")
    crossed_shares: float = pa.Field(ge=0, description="of them, traded with other strategies")
    price: float = pa.Field(ge=0, description="of the account's fill before costs; of what was only crossed, the open")
    traded: float = pa.Field(description="what was received for the shares before costs; negative for a purchase")
    commission: float = pa.Field(description="on the side that went to the market alone")
    spread_cost: float
    slippage_cost: float
    cash_flow: float = pa.Field(description="what the strategy received, costs deducted")

    Config = _Strict


class BookProfit(pa.DataFrameModel):
    """What each strategy made of each instrument in each session; a row without an instrument is of the account (interest, other cash). pnl less costs and with other is the change of equity."""

    session: date
    strategy_: str = pa.Field(alias="strategy", description=STRATEGY)
    symbol: str = pa.Field(nullable=True, description="ticker at the session")
    instrument: str = pa.Field(nullable=True, description=INSTRUMENT)
    pnl: float = pa.Field(description=PNL)
    income: float = pa.Field(description="of it, paid by corporate actions")
    commission: float
    spread_cost: float
    slippage_cost: float
    borrow_cost: float
    interest: float
    other: float = pa.Field(description="cash of no trade and no action")

    Config = _Strict


class Attribution(pa.DataFrameModel):
    """Of the whole profit, who or what made it: the parts of each dimension sum to it, to the cent."""

    dimension: str = pa.Field(isin=DIMENSIONS)
    part: str = pa.Field(description="a strategy, model, factor, symbol, or kind of cost; (account): of no symbol")
    pnl: float = pa.Field(description="before costs, income included")
    costs: float = pa.Field(description="commission, spread, slippage, borrowing, interest")
    profit: float = pa.Field(description="pnl - costs")
    share: float = pa.Field(nullable=True, description="of the whole profit; null where that is nothing")

    class Config(_Strict):
        """One row for each part."""

        unique = ["dimension", "part"]  # noqa: RUF012


CONTRACTS: dict[str, type[DataFrameModel]] = {
    "equity": BookEquity,
    "positions": BookPositions,
    "fills": BookFills,
    "profit": BookProfit,
    "attribution": Attribution,
}
"""What each table must satisfy before it is stored."""
