"""The contracts of a chain at one session, as a strategy looks at them: what they can be bought and sold for, their delta, and how long they run.

A row of another session is never looked at, whatever the chain holds: nothing is decided by another day's quotes.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

import polars as pl

from ats_assets.option_strategies.fills import ZERO, OptionQuote, decimal_of, quote_of_row
from ats_assets.option_strategies.option_strategy import OptionView
from ats_assets.options.contract import OptionContract, Right, contract_of

DAYS_A_YEAR: Final = 365
READ: Final = (
    *("underlying", "contract", "expiry", "strike", "right", "style", "multiplier", "deliverable", "bid", "ask", "mark", "half_spread"),
    *("volume", "open_interest", "last_session", "sessions_left", "days_left", "spot", "delta", "why"),
)
"""The columns of a chain that are looked at."""
AT_INTRINSIC: Final = frozenset({"below_intrinsic", "no_time_value"})
"""Why an option in the money has no implied volatility, and so no delta of its own: where its ask is not below its intrinsic value, it moves as the underlying does."""


@dataclass(frozen=True, kw_only=True)
class ChainQuote:
    """A contract at a session.

    Attributes
    ----------
    price
        Bid, ask and mark, for one share.
    spot
        The underlying's close.
    delta
        Of a long contract; None where there is none. 1 or -1 of one in the money whose price is its intrinsic value.
    days_left, sessions_left
        To the expiry, and to the last session at which it can be traded.
    deliverable
        None: 100 shares, or as many as the multiplier says.
    """

    contract: OptionContract
    price: OptionQuote
    spot: Decimal
    delta: float | None
    days_left: int
    sessions_left: int
    last_session: dt.date
    volume: float | None
    open_interest: float | None
    deliverable: str | None

    @property
    def symbol(self) -> str:
        """Of the contract."""
        return self.contract.symbol

    @property
    def bid(self) -> Decimal | None:
        """What it can be sold for; None where nobody buys."""
        return self.price.bid or None

    @property
    def ask(self) -> Decimal | None:
        """What it can be bought for; None where nobody sells."""
        return self.price.ask

    @property
    def mark(self) -> Decimal | None:
        """What it is worth: the middle, or the delivered close."""
        return self.price.mark

    @property
    def intrinsic(self) -> Decimal:
        """What exercising it at once would bring."""
        gain = self.spot - self.contract.strike
        return max(gain if self.contract.right is Right.CALL else -gain, ZERO)

    @property
    def time_value(self) -> Decimal | None:
        """Its mark above that; None without a mark, and never below zero."""
        return None if self.mark is None else max(self.mark - self.intrinsic, ZERO)

    @property
    def spread_share(self) -> float | None:
        """Ask less bid as a share of their middle; None where a side is missing."""
        if self.bid is None or self.ask is None:
            return None
        return float(2 * (self.ask - self.bid) / (self.ask + self.bid))

    @property
    def premium_a_year(self) -> float | None:
        """The bid as a share of what it ties up (a put's strike, a call's share), on a year's scale; None where nobody buys."""
        tied = self.contract.strike if self.contract.right is Right.PUT else self.spot
        return None if self.bid is None else float(self.bid / tied) * DAYS_A_YEAR / max(self.days_left, 1)


class ChainQuotes:
    """The chain of a view; what is asked for again is not looked up again.

    Parameters
    ----------
    view
        Of which `chain` is read: rows of its session alone.
    """

    def __init__(self, view: OptionView) -> None:
        self.session = view.session
        read = [name for name in READ if name in view.chain.columns]
        self._rows = view.chain.filter(pl.col("session") == view.session).select(read)
        self._found: dict[str, ChainQuote | None] = {}

    @cached_property
    def underlyings(self) -> frozenset[str]:
        """Those that have a chain at the session."""
        return frozenset(self._rows["underlying"].unique())

    def of(self, contract: OptionContract) -> ChainQuote | None:
        """What the chain says of a contract; None where it says nothing, or has no price to trade at and no mark."""
        symbol = contract.symbol
        if symbol not in self._found:
            place = self._place.get(symbol)
            self._found[symbol] = None if place is None else quote_of(self._rows.row(place, named=True))
        return self._found[symbol]

    def offered(self, underlying: str, right: Right, days: tuple[int, int], deltas: tuple[float, float] | None = None) -> list[ChainQuote]:
        """The contracts of one right that can still be traded at the next session, sorted by expiry and strike.

        Parameters
        ----------
        days
            Those whose calendar days to expiry lie between these, both included.
        deltas
            Those whose delta, without its sign, lies between these or is not known; None: all.
        """
        rows = self._sides.get((underlying, right.value))
        if rows is None:
            return []
        wanted = pl.col("days_left").is_between(*days)
        if deltas is not None and "delta" in rows.columns:
            delta = pl.col("delta").abs()
            wanted &= delta.is_null() | delta.is_nan() | delta.is_between(*deltas)
        found = []
        for row in rows.filter(wanted).iter_rows(named=True):
            symbol = row["contract"]
            if symbol not in self._found:
                self._found[symbol] = quote_of(row)
            if (quote := self._found[symbol]) is not None:
                found.append(quote)
        return found

    def days_offered(self, underlying: str, right: Right) -> list[int]:
        """The calendar days to expiry of the contracts of a right, each once, ascending."""
        rows = self._sides.get((underlying, right.value))
        return [] if rows is None else sorted(rows["days_left"].unique().to_list())

    def is_cash_settled(self, underlying: str) -> bool:
        """Whether the contracts on an underlying deliver no shares: those of European style, on indices."""
        return underlying in self._european

    @cached_property
    def _european(self) -> frozenset[str]:
        return frozenset(self._rows.filter(pl.col("style") == "european")["underlying"])

    @cached_property
    def _place(self) -> dict[str, int]:
        """Symbol -> row."""
        return dict(zip(self._rows["contract"].to_list(), range(self._rows.height), strict=True))

    @cached_property
    def _sides(self) -> dict[tuple[Any, ...], pl.DataFrame]:
        """Underlying and right -> what can still be traded at the next session, sorted."""
        rows = self._rows.filter(pl.col("sessions_left") >= 1).sort("expiry", "strike", "contract")
        return rows.partition_by("underlying", "right", as_dict=True, maintain_order=True)


def quote_of(row: Mapping[str, Any]) -> ChainQuote | None:
    """What a row of a chain says; None where it has no contract, no underlying's price, or no price at all.

    Examples
    --------
    >>> row = {"contract": "AAPL140621C00090000", "bid": 1.0, "ask": 1.2, "mark": 1.1, "spot": 90.5, "delta": 0.5, "multiplier": 100.0}
    >>> quote = quote_of({**row, "days_left": 18, "sessions_left": 13, "last_session": dt.date(2014, 6, 20)})
    >>> quote.time_value, quote.spread_share, round(quote.premium_a_year, 3)
    (Decimal('0.6'), 0.18181818181818182, 0.224)
    """
    symbol, spot = row.get("contract"), decimal_of(row.get("spot"))
    price = quote_of_row(row)
    if symbol is None or spot is None or price is None:
        return None
    contract, delta = _contract_of_row(row, symbol), row.get("delta")
    if delta is None or delta != delta:  # noqa: PLR0124 - NaN
        delta = _delta_at_intrinsic(contract, spot, price.ask, row.get("why"))
    return ChainQuote(
        contract=contract,
        price=price,
        spot=spot,
        delta=delta,
        days_left=int(row["days_left"]),
        sessions_left=int(row["sessions_left"]),
        last_session=row["last_session"],
        volume=row.get("volume"),
        open_interest=row.get("open_interest"),
        deliverable=row.get("deliverable"),
    )


def _contract_of_row(row: Mapping[str, Any], symbol: str) -> OptionContract:
    """What the symbol says; by the columns where they say it too, which takes a tenth of the time."""
    underlying, expiry, right = row.get("underlying"), row.get("expiry"), row.get("right")
    if underlying is None or expiry is None or right is None:
        return contract_of(symbol)
    return OptionContract(underlying, expiry, Decimal(int(symbol[-8:])) / 1000, Right(right))


def _delta_at_intrinsic(contract: OptionContract, spot: Decimal, ask: Decimal | None, why: str | None) -> float | None:
    """Of an option in the money that is worth no more than its intrinsic value; none where the ask is below it, so that price and spot contradict each other."""
    call = contract.right is Right.CALL
    intrinsic = spot - contract.strike if call else contract.strike - spot
    if why not in AT_INTRINSIC or intrinsic <= 0 or (ask is not None and ask < intrinsic):
        return None
    return 1.0 if call else -1.0
