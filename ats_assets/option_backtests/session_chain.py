"""The chain of one session, looked up by contract: a year of twenty underlyings is millions of rows, of which a backtest asks for a few hundred."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, Final, NamedTuple

import polars as pl

from ats_assets.option_strategies.fills import OptionQuote, decimal_of, quote_of_row
from ats_assets.options.contract import OptionContract

QUOTED: Final = ("bid", "ask", "mark", "half_spread", "multiplier", "style")
GREEKS: Final = ("implied_volatility", "delta", "gamma", "theta", "vega")
OF_GREEKS: Final = ("implied_volatility", "why", "years", "rate", "dividends", "delta", "gamma", "theta", "vega", "rho", "time_value")
"""The columns of `greeks` that a strategy is told beside those of the chain."""


class ContractGreeks(NamedTuple):
    """Of one contract, for one share: theta a calendar day, vega per point of volatility (0.01)."""

    implied_volatility: float
    delta: float
    gamma: float
    theta: float
    vega: float


class SessionChain:
    """Rows of `option_chains` of one session, joined with `greeks`.

    Parameters
    ----------
    rows
        One a contract; the columns of the greeks may be left out.
    closes
        Root -> close of the underlying, where the chain has no row that tells it.
    """

    def __init__(self, session: date, rows: pl.DataFrame, closes: Mapping[str, float] | None = None) -> None:
        self.session = session
        self.rows = rows
        self._closes = closes or {}
        self._columns = frozenset(rows.columns)

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return dict(zip(self.rows["contract"].to_list(), range(self.rows.height), strict=True))

    @cached_property
    def spots(self) -> dict[str, Decimal]:
        """Underlying -> close, of those that have one at the session."""
        told = self.rows.select("underlying", "spot").unique("underlying", keep="first", maintain_order=True)
        of_chain = {name: spot for name, spot in told.iter_rows() if spot is not None}
        found = {name: decimal_of(float(spot)) for name, spot in (dict(self._closes) | of_chain).items()}
        return {name: spot for name, spot in found.items() if spot is not None and spot > 0}

    @cached_property
    def last_expiry(self) -> date | None:
        """The latest expiry of the chain; None where it has no rows."""
        return None if self.rows.is_empty() else self.rows.select(pl.col("expiry").max()).item()

    def _values(self, contract: OptionContract, names: tuple[str, ...]) -> dict[str, Any] | None:
        row = self._row_of.get(contract.symbol)
        return None if row is None else {name: self.rows[name][row] for name in names if name in self._columns}

    def quote(self, contract: OptionContract) -> OptionQuote | None:
        """The quote of a contract; None where it has none at the session."""
        values = self._values(contract, QUOTED)
        return None if values is None else quote_of_row(values)

    def quotes(self, contracts: Iterable[OptionContract | None]) -> dict[OptionContract, OptionQuote | None]:
        """The quotes of some contracts; shares, which are none, are left out."""
        return {one: self.quote(one) for one in contracts if one is not None}

    def mark(self, contract: OptionContract) -> Decimal | None:
        """The mark of a contract, which may be zero; None where there is none at the session."""
        values = self._values(contract, ("mark",))
        return None if values is None else decimal_of(values["mark"])

    def greeks(self, contract: OptionContract) -> ContractGreeks | None:
        """The greeks of a contract; None where one of them is unknown."""
        values = self._values(contract, GREEKS)
        if values is None or len(values) < len(GREEKS):
            return None
        numbers = [values[name] for name in GREEKS]
        return None if any(one is None or one != one for one in numbers) else ContractGreeks(*numbers)  # noqa: PLR0124

    def of(self, underlyings: set[str]) -> pl.DataFrame:
        """The rows of some underlyings."""
        return self.rows.filter(pl.col("underlying").is_in(sorted(underlyings)))
