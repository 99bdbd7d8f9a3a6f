"""The contracts of the tables of an options backtest. Money is in the currency of the quotes, a whole number of cents; prices and greeks are for one share."""

from datetime import date

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig
from pandera.api.polars.types import PolarsData

from ats_assets.option_backtests.greek_attribution import PARTS
from ats_assets.option_strategies.book.book_entries import CASH_FLOW_KINDS


def _whole_cents(value: pl.Expr) -> pl.Expr:
    return (value * 100).round()


class ExactColumns(BaseConfig):
    """Columns are exactly these."""

    strict = True
    ordered = True


class OptionEquity(pa.DataFrameModel):
    """One row a session and strategy: the state after the session and the night that follows, sorted by strategy and session."""

    session: date = pa.Field(description="the state at its end")
    strategy_name: str = pa.Field(alias="strategy", description="name in the settings")
    cash: float = pa.Field(description="what was received for short options included")
    options_value: float = pa.Field(description="at the marks; negative for short")
    shares_value: float = pa.Field(description="at the close, or the last one known; negative for short")
    equity: float = pa.Field(description="cash + options_value + shares_value")
    pnl: float = pa.Field(description="change of equity in the session, after all costs")
    income: float = pa.Field(description="dividends, and cash for fractions of shares; negative where short shares paid")
    spread: float = pa.Field(le=0, description="what trades were worse than the middle of the quotes, or the close")
    fees: float = pa.Field(le=0, description="for contracts traded, assigned and exercised")
    carry: float = pa.Field(le=0, description="interest on cash below zero, and for short shares")
    margin_need: float = pa.Field(ge=0, nullable=True, description="equity that the margin rules ask for; null: none would be enough")
    n_contracts: pl.UInt32 = pa.Field(description="held at the end, long and short")

    class Config(ExactColumns):
        """One row a session and strategy."""

        name = "option_backtest_equity"
        unique = ["session", "strategy"]  # noqa: RUF012

    @pa.dataframe_check
    def adds_up(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """Cash and what is held are the equity, and pnl is its change."""
        total = pl.sum_horizontal("cash", "options_value", "shares_value")
        change = pl.col("equity").diff().over("strategy", order_by="session").fill_null(pl.col("pnl"))
        sums = ((total, pl.col("equity")), (pl.col("pnl"), change))
        return data.lazyframe.select(pl.all_horizontal(_whole_cents(a) == _whole_cents(b) for a, b in sums))


class OptionHoldings(pa.DataFrameModel):
    """What is held at the end of each session, contracts and shares, sorted by strategy, session, contracts before shares."""

    session: date = pa.Field(description="held at its end")
    strategy_name: str = pa.Field(alias="strategy", description="name in the settings")
    underlying: str = pa.Field(description="root of the contract's symbol")
    contract: str = pa.Field(nullable=True, description="symbol; null for shares")
    quantity: float = pa.Field(description="contracts or shares; negative for short, never zero")
    multiplier: pl.UInt32 = pa.Field(description="shares for one of them")
    average_price: float = pa.Field(description="paid, or received where short")
    mark: float = pa.Field(ge=0, description="middle of the quotes; without a mark its last time value on what it is worth exercised")
    value: float = pa.Field(description="quantity * multiplier * mark")
    opened_session: date = pa.Field(nullable=True, description="of its first trade; null for shares")
    days_held: pl.UInt32 = pa.Field(nullable=True, description="calendar days since; null for shares")
    tag: str = pa.Field(description="rule of the decision that opened it")
    unquoted_sessions: pl.UInt32 = pa.Field(description="sessions in a row without a mark")

    class Config(ExactColumns):
        """As every table."""

        name = "option_backtest_positions"


class OptionCashFlows(pa.DataFrameModel):
    """Every change of cash, contracts and shares, in the order in which it happened: the rows of a strategy rebuild its book."""

    number: pl.UInt32 = pa.Field(description="within the strategy, from 0")
    session: date = pa.Field(description="at which it counts; of an early assignment the session before the ex-session")
    strategy_name: str = pa.Field(alias="strategy", description="name in the settings")
    kind: str = pa.Field(isin=list(CASH_FLOW_KINDS), description="what it is")
    underlying: str = pa.Field(nullable=True, description="null for deposit and interest")
    contract: str = pa.Field(nullable=True, description="symbol; null where no contract is concerned")
    quantity: pl.Int32 = pa.Field(description="change of the contracts held")
    shares: float = pa.Field(description="change of the shares held")
    price: float = pa.Field(nullable=True, description="for one share; the strike of an assignment or exercise")
    cash: float = pa.Field(description="what the account received; negative where it paid")
    balance: float = pa.Field(description="cash after it")
    detail: str = pa.Field(description="in words")

    class Config(ExactColumns):
        """Numbered within a strategy."""

        name = "option_backtest_cash_flows"
        unique = ["strategy", "number"]  # noqa: RUF012

    @pa.dataframe_check
    def balances(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """The balance is the sum of the cash so far."""
        so_far = _whole_cents(pl.col("cash")).cum_sum().over("strategy", order_by="number")
        return data.lazyframe.select(_whole_cents(pl.col("balance")) == so_far)


class BacktestedDecisions(pa.DataFrameModel):
    """What the strategies decided at the close of each session, "hold" and "skip" included, with the reason, and what came of it at the next session."""

    session: date = pa.Field(description="at whose close it was decided")
    strategy_name: str = pa.Field(alias="strategy", description="name in the settings")
    number: pl.UInt32 = pa.Field(description="order within the session, from 0")
    underlying: str = pa.Field(description="root of the contracts' symbols")
    action: str = pa.Field(isin=["open", "close", "roll", "hold", "let_expire", "exercise", "skip"])
    rule: str = pa.Field(description="short code of the rule that decided")
    reason: str = pa.Field(description="in one sentence, with the numbers")
    limit_price: float = pa.Field(nullable=True, description="most that is paid for one unit per share; negative: least that is received")
    legs: str = pa.Field(description="what is to be traded, or what it is about")
    traded_session: date = pa.Field(nullable=True, description="at whose quotes it was tried; null where there was nothing to trade")
    outcome: str = pa.Field(description="filled, exercised, waits (the next session is still to come), none, or why it was not filled")

    class Config(ExactColumns):
        """As every table."""

        name = "option_backtest_decisions"
        unique = ["strategy", "session", "number"]  # noqa: RUF012


class BacktestedOptionFills(pa.DataFrameModel):
    """Every trade, with the quotes of its session."""

    session: date = pa.Field(description="at whose quotes it was traded")
    decision_session: date = pa.Field(description="at whose close it was decided; the same session where an adjusted contract was closed")
    strategy_name: str = pa.Field(alias="strategy", description="name in the settings")
    underlying: str = pa.Field(description="root of the contract's symbol")
    contract: str = pa.Field(nullable=True, description="symbol; null for shares")
    quantity: pl.Int32 = pa.Field(description="bought, or sold where negative")
    open_or_close: str = pa.Field(isin=["open", "close"])
    bid: float = pa.Field(ge=0, nullable=True, description="of the session; null for shares, or where there was none")
    ask: float = pa.Field(gt=0, nullable=True, description="of the session")
    price: float = pa.Field(ge=0, description="traded at")
    multiplier: pl.UInt32 = pa.Field(description="shares for one of quantity")
    cash: float = pa.Field(description="received, or paid where negative; the fee left out")
    fee: float = pa.Field(ge=0)
    spread_paid: float = pa.Field(ge=0, description="worse than the middle of the quotes, or the close of shares")
    rule: str = pa.Field(description="of the decision")

    class Config(ExactColumns):
        """As every table."""

        name = "option_backtest_fills"

    @pa.dataframe_check
    def within_the_quotes(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """Nothing is bought above the ask or without one, or sold below the bid or at a bid of zero."""
        bought, sold = pl.col("price") <= pl.col("ask"), (pl.col("price") >= pl.col("bid")) & (pl.col("bid") > 0)
        kept = pl.when(pl.col("quantity") > 0).then(bought).otherwise(sold).fill_null(value=False)
        return data.lazyframe.select(kept | pl.col("contract").is_null())


class UnfilledDecisions(pa.DataFrameModel):
    """Decisions that were not traded, each with its reason; nothing is carried over."""

    session: date = pa.Field(description="at whose quotes it was to be traded")
    decision_session: date = pa.Field(description="at whose close it was decided")
    strategy_name: str = pa.Field(alias="strategy", description="name in the settings")
    underlying: str = pa.Field(description="root of the contracts' symbols")
    action: str = pa.Field(description="what was decided")
    rule: str = pa.Field(description="of the decision")
    legs: str = pa.Field(description="what was to be traded")
    reason: str = pa.Field(description="a short code")
    detail: str = pa.Field(description="in words, with the numbers")

    class Config(ExactColumns):
        """As every table."""

        name = "option_backtest_unfilled"


class GreeksOverTime(pa.DataFrameModel):
    """The greeks of what is held at the end of each session, by underlying, of contracts and shares together."""

    session: date = pa.Field(description="at its end")
    strategy_name: str = pa.Field(alias="strategy", description="name in the settings")
    underlying: str = pa.Field(description="root of the contracts' symbols")
    delta: float = pa.Field(description="in shares; a share has 1")
    gamma: float = pa.Field(description="change of delta for 1 of the underlying's price")
    theta: float = pa.Field(description="currency a calendar day")
    vega: float = pa.Field(description="currency for one point of volatility (0.01)")
    contracts_without: pl.UInt32 = pa.Field(description="contracts whose greeks are not known, and which count as none")

    class Config(ExactColumns):
        """As every table."""

        name = "option_backtest_greeks_over_time"
        unique = ["session", "strategy", "underlying"]  # noqa: RUF012


class OptionAttribution(pa.DataFrameModel):
    """What the P&L of each session is owed to, by underlying; the formulas are in `greek_attribution`."""

    session: date = pa.Field(description="in which it was made")
    strategy_name: str = pa.Field(alias="strategy", description="name in the settings")
    underlying: str = pa.Field(nullable=True, description="null for what belongs to none: interest")
    pnl: float = pa.Field(description="change of equity")
    delta: float = pa.Field(description="the move of the underlying times delta; of shares the whole move")
    gamma: float = pa.Field(description="half the square of the move times gamma")
    theta: float = pa.Field(description="calendar days times theta")
    vega: float = pa.Field(description="change of implied volatility times vega")
    income: float = pa.Field(description="dividends, and cash for fractions of shares")
    spread: float = pa.Field(le=0, description="what trades were worse than the middle")
    fees: float = pa.Field(le=0, description="for contracts")
    carry: float = pa.Field(le=0, description="interest, and for short shares")
    rest: float = pa.Field(description="what none of these explains")

    class Config(ExactColumns):
        """As every table."""

        name = "option_backtest_attribution"

    @pa.dataframe_check
    def parts_are_the_whole(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """The parts add up to the P&L, to the cent."""
        return data.lazyframe.select(_whole_cents(pl.sum_horizontal(*PARTS)) == _whole_cents(pl.col("pnl")))


class EndedPositions(pa.DataFrameModel):
    """Contracts that are held no more, one row for each time that some of a position ended."""

    session: date = pa.Field(description="at which they ended")
    strategy_name: str = pa.Field(alias="strategy", description="name in the settings")
    underlying: str = pa.Field(description="root of the contract's symbol")
    contract: str = pa.Field(description="symbol")
    quantity: pl.Int32 = pa.Field(description="as held: negative for short")
    multiplier: pl.UInt32 = pa.Field(description="shares a contract")
    opened_session: date = pa.Field(description="of the position's first trade")
    open_price: float = pa.Field(description="paid, or received where short, on average")
    close_price: float = pa.Field(ge=0, description="traded at; or what it was worth exercised")
    how: str = pa.Field(isin=["traded", "assigned", "exercised", "expired", "adjusted"])
    tag: str = pa.Field(description="rule of the decision that opened it")
    pnl: float = pa.Field(description="fees left out; of an assignment as if the shares had been traded at the close")

    class Config(ExactColumns):
        """As every table."""

        name = "option_backtest_closed_positions"


class OptionCycles(pa.DataFrameModel):
    """Spells in which a strategy held something of an underlying, from flat to flat: of a wheel, puts, shares and calls together."""

    strategy_name: str = pa.Field(alias="strategy", description="name in the settings")
    underlying: str = pa.Field(description="root of the contracts' symbols")
    first_session: date = pa.Field(description="of the first trade")
    last_session: date = pa.Field(description="at whose end nothing is held any more; of an open cycle the last session of the backtest")
    days: pl.UInt32 = pa.Field(description="calendar days from the first to the last session")
    pnl: float = pa.Field(description="change of equity over it, after costs")
    ended: bool = pa.Field(description="whether it is over")

    class Config(ExactColumns):
        """As every table."""

        name = "option_backtest_cycles"


CONTRACTS: dict[str, type[pa.DataFrameModel]] = {
    "equity": OptionEquity,
    "positions": OptionHoldings,
    "cash_flows": OptionCashFlows,
    "decisions": BacktestedDecisions,
    "option_fills": BacktestedOptionFills,
    "unfilled": UnfilledDecisions,
    "greeks_over_time": GreeksOverTime,
    "attribution": OptionAttribution,
    "closed_positions": EndedPositions,
    "cycles": OptionCycles,
}
"""What each part of the options backtest must satisfy before it is stored."""
