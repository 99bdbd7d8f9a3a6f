"""The market that the kit of option strategies runs on: two underlyings with chains that the kernels price, and a book of its own that no code of the package keeps.

The book is that of a plain ledger: fills at bid and ask, expiries by the close, assignment before an ex-date, dividends, fees. It takes only `fills` from the package, so that what a strategy does can be
compared with the package's own book.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cache

import numpy as np
import polars as pl

from ats_assets.calendar import session_calendar
from ats_assets.option_strategies import Decision, HeldOption, KnownDividend, OptionStrategy, OptionView
from ats_assets.option_strategies.fills import NotFilled, OptionFillRules, OptionQuote, decision_fills, quote_of_row
from ats_assets.options.contract import OptionContract, Right, contract_of, symbols_of
from ats_assets.options.schema import OPTION_CHAINS_SCHEMA
from ats_assets.options.valuation import option_values

CALENDAR = session_calendar("XNYS", date(2024, 1, 2))
FIRST = date(2024, 4, 1)
"""From here on no Friday is a holiday until the spring of the next year."""
SESSIONS = 60
GREEKS = {
    "implied_volatility": pl.Float64,
    "why": pl.String,
    "delta": pl.Float64,
    "gamma": pl.Float64,
    "theta": pl.Float64,
    "vega": pl.Float64,
}
VIEW_SCHEMA = pl.Schema({**OPTION_CHAINS_SCHEMA, **GREEKS})
RULES = OptionFillRules(spread_share=Decimal(1), fee_per_contract=Decimal("0.65"))


def trading_days(n: int) -> list[date]:
    """The sessions of the market."""
    return CALENDAR.sessions(FIRST, FIRST + timedelta(days=2 * n))[:n]


def sessions_between(days: Sequence[date], expiries: Sequence[date]) -> np.ndarray:
    """How many sessions after each day there are up to an expiry."""
    every = np.array(CALENDAR.sessions(FIRST, FIRST + timedelta(days=300)), "datetime64[D]")
    ends, begins = (np.searchsorted(every, np.array(one, "datetime64[D]"), "right") for one in (expiries, days))
    return ends - begins


@dataclass(frozen=True, kw_only=True)
class OptionMarket:
    """Chains, closes and dividends by session."""

    sessions: Sequence[date]
    chains: Mapping[date, pl.DataFrame]
    spots: Mapping[date, Mapping[str, float]]
    dividends: tuple[KnownDividend, ...] = ()


def paths(seed: int, names: Sequence[str], sessions: int, volatility: float, rate: float = 0.0) -> np.ndarray:
    """Closes of shape (sessions, names): geometric Brownian motion from 100, 50, ... that drifts at the rate."""
    steps = np.random.default_rng(seed).standard_normal((sessions, len(names)))
    steps[0] = 0.0
    logs = np.cumsum((rate - 0.5 * volatility**2) / 252 + volatility / np.sqrt(252) * steps, axis=0)
    return np.round(np.array([100.0 / (1 + i) for i in range(len(names))]) * np.exp(logs), 2)


def chains_of(
    names: Sequence[str],
    closes: np.ndarray,
    *,
    implied: float = 0.35,
    skew: float = -0.4,
    rate: float = 0.0,
    half_spread: Callable[[np.ndarray], np.ndarray] | None = None,
    weeks: Sequence[int] = (0, 1, 2, 3, 4, 5),
    grid: float = 0.04,
    reach: float = 0.3,
    trading_time: bool = False,
    american: bool = False,
) -> dict[date, pl.DataFrame]:
    """A chain for each session, priced by the kernels.

    Parameters
    ----------
    implied, skew
        Volatility at the money, and by how much it rises for the logarithm of strike over spot.
    half_spread
        Of prices; None: two cents and 1.5 %, rounded outwards to the cent.
    weeks
        To the Fridays at which contracts expire.
    grid, reach
        The distance of strikes, as a share of the first close, and how far from the spot they reach, as a share of it: a contract is there as long as the spot stays near.
    trading_time
        Whether time to expiry is counted in sessions over 252, so that each session is worth the same; else in days over 365.
    """
    days = trading_days(len(closes))
    parts = [
        (i, j, expiry.toordinal(), strike, right)
        for i, day in enumerate(days)
        for j in range(len(names))
        for strike in _strikes(float(closes[0, j]), float(closes[i, j]), grid, reach)
        for expiry in (day + timedelta(days=(4 - day.weekday()) % 7 + 7 * week) for week in weeks)
        for right in ("C", "P")
    ]
    at, which, ends, strike, right = (np.array(column) for column in zip(*parts, strict=True))
    ordinals = np.array([day.toordinal() for day in days])[at]
    expiries = [date.fromordinal(int(one)) for one in ends]
    sessions_left = sessions_between([days[i] for i in at], expiries)
    years = sessions_left / 252 if trading_time else (ends - ordinals) / 365
    spot = closes[at, which]
    volatility = np.maximum(implied + skew * np.log(strike / spot), 0.05)
    values = option_values(spot, strike, np.maximum(years, 1e-6), rate, 0.0, volatility, right == "C", american=american)
    middle = values["price"]
    if half_spread is None:
        bid, ask = np.floor((middle * 0.985 - 0.02) * 100) / 100, np.ceil((middle * 1.015 + 0.02) * 100) / 100
    else:
        bid, ask = middle - half_spread(middle), middle + half_spread(middle)
    bid = np.maximum(bid, 0.0)
    rows = pl.DataFrame(
        {
            "underlying": np.array(names)[which],
            "session": [days[i] for i in at],
            "expiry": expiries,
            "strike": strike,
            "right": right,
            "style": "american",
            "multiplier": 100.0,
            "bid": bid,
            "ask": ask,
            "volume": np.round(500 * np.exp(-8 * np.abs(np.log(strike / spot)))),
            "open_interest": np.round(3000 * np.exp(-6 * np.abs(np.log(strike / spot)))),
            "mark": (bid + ask) / 2,
            "half_spread": (ask - bid) / 2,
            "last_session": expiries,
            "sessions_left": sessions_left,
            "days_left": ends - ordinals,
            "spot": spot,
            "implied_volatility": volatility,
            "delta": values["delta"],
            "gamma": values["gamma"],
            "theta": values["theta"] / 365,
            "vega": values["vega"] / 100,
            "why": "",
        }
    )
    rows = rows.with_columns(contract=symbols_of(pl.col("underlying"), pl.col("expiry"), pl.col("strike"), pl.col("right")))
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in VIEW_SCHEMA.items() if name not in rows.columns]
    whole = (
        rows.with_columns(missing)
        .select(VIEW_SCHEMA.names())
        .cast({**VIEW_SCHEMA})
        .sort("session", "underlying", "expiry", "strike", "right")
    )
    return {day[0]: part for day, part in whole.group_by("session", maintain_order=True)}


def _strikes(first: float, spot: float, grid: float, reach: float) -> np.ndarray:
    step = max(round(first * grid), 1)
    return step * np.arange(max(np.ceil(spot * (1 - reach) / step), 1), np.floor(spot * (1 + reach) / step) + 1)


@cache
def market(seed: int = 1, sessions: int = SESSIONS, volatility: float = 0.4) -> OptionMarket:
    """Two underlyings; one pays a dividend, and one has no chain at two sessions and no bids at another."""
    names, days = ("AAA", "BBB"), trading_days(sessions)
    closes = paths(seed, names, sessions, volatility)
    chains = chains_of(names, closes)
    for i in (20, 21):
        chains[days[i]] = chains[days[i]].filter(pl.col("underlying") != "BBB")
    nobody = pl.when(pl.col("underlying") == "BBB").then(0.0).otherwise("bid")
    chains[days[33]] = chains[days[33]].with_columns(bid=nobody)
    spots = {day: {name: float(closes[i, j]) for j, name in enumerate(names)} for i, day in enumerate(days)}
    dividends = (KnownDividend(underlying="AAA", ex_session=days[30], amount=Decimal("0.80")),)
    return OptionMarket(sessions=days, chains=chains, spots=spots, dividends=dividends)


def other_future(last: date) -> OptionMarket:
    """The same market up to a session, and another after it."""
    one, other = market(), market(seed=2)
    days = one.sessions
    return OptionMarket(
        sessions=days,
        chains={day: (one if day <= last else other).chains[day] for day in days},
        spots={day: (one if day <= last else other).spots[day] for day in days},
        dividends=one.dividends,
    )


@dataclass
class PlainBook:
    """Cash, shares and contracts of one strategy, kept as simply as can be."""

    cash: Decimal = Decimal(60_000)
    options: dict[OptionContract, HeldOption] = field(default_factory=dict)
    shares: dict[str, int] = field(default_factory=dict)
    prices: dict[str, Decimal] = field(default_factory=dict)
    flows: list[tuple[date, str, str, int, Decimal]] = field(default_factory=list)
    """Session, kind, symbol, quantity, and what was received."""
    marks: dict[str, float] = field(default_factory=dict)

    def pay(self, day: date, kind: str, what: str, quantity: int, amount: Decimal) -> None:
        """Receive an amount; negative: pay it."""
        self.cash += amount
        self.flows.append((day, kind, what, quantity, amount))

    def trade_shares(self, day: date, kind: str, name: str, quantity: int, price: Decimal) -> None:
        """Buy or sell shares."""
        before = self.shares.get(name, 0)
        self.pay(day, kind, name, quantity, -quantity * price)
        if before >= 0 and quantity > 0:
            self.prices[name] = (before * self.prices.get(name, Decimal(0)) + quantity * price) / (before + quantity)
        self.shares[name] = before + quantity
        if not self.shares[name]:
            del self.shares[name]
            self.prices.pop(name, None)
        elif self.shares[name] < 0:
            self.prices[name] = price

    def trade_option(self, day: date, contract: OptionContract, quantity: int, price: Decimal, tag: str, fee: Decimal) -> None:
        """Buy or sell contracts."""
        self.pay(day, "premium", contract.symbol, quantity, -quantity * 100 * price)
        self.pay(day, "fee", contract.symbol, quantity, -fee)
        held = self.options.get(contract)
        if held is None:
            self.options[contract] = HeldOption(
                contract=contract, quantity=quantity, multiplier=100, opened_session=day, average_price=price, tag=tag
            )
            return
        new = held.quantity + quantity
        same = (held.quantity > 0) == (quantity > 0)
        average = (held.quantity * held.average_price + quantity * price) / new if same else held.average_price
        if not new:
            del self.options[contract]
        else:
            self.options[contract] = HeldOption(
                contract=contract, quantity=new, multiplier=100, opened_session=held.opened_session, average_price=average, tag=held.tag
            )

    def deliver(self, day: date, kind: str, held: HeldOption, contracts: int) -> None:
        """Exercise or assignment of some contracts."""
        sign = 1 if held.quantity > 0 else -1
        gets = sign * (1 if held.contract.right is Right.CALL else -1)
        self.trade_shares(day, kind, held.contract.underlying, gets * contracts * 100, held.contract.strike)
        left = held.quantity - sign * contracts
        if left:
            self.options[held.contract] = HeldOption(
                contract=held.contract, quantity=left, multiplier=100, opened_session=held.opened_session, average_price=held.average_price
            )
        else:
            del self.options[held.contract]

    def value(self, spots: Mapping[str, float], chain: pl.DataFrame) -> Decimal:
        """Cash, shares at the close, contracts at the newest mark that there was."""
        held = chain.filter(pl.col("contract").is_in([one.symbol for one in self.options]))
        self.marks.update(zip(held["contract"].to_list(), held["mark"].to_list(), strict=True))
        shares = sum((n * Decimal(str(spots[name])) for name, n in self.shares.items()), Decimal(0))
        options = sum((one.quantity * 100 * Decimal(str(self.marks[one.contract.symbol])) for one in self.options.values()), Decimal(0))
        return self.cash + shares + options


@dataclass(frozen=True, kw_only=True)
class Step:
    """A session: what the strategy saw and decided, and the book before its decisions are traded."""

    view: OptionView
    decisions: list[Decision]
    book: PlainBook


def view_of(book: PlainBook, played: OptionMarket, day: date, name: str = "mine") -> OptionView:
    """What a strategy is told at a session."""
    chain = played.chains[day]
    return OptionView(
        strategy=name,
        session=day,
        underlyings=tuple(sorted(played.spots[day])),
        sessions=tuple(later for later in [*trading_days(2 * len(played.sessions))] if later > day),
        chain=chain,
        spots=played.spots[day],
        held=tuple(sorted(book.options.values(), key=lambda held: held.contract)),
        shares={one: Decimal(n) for one, n in book.shares.items()},
        share_prices=dict(book.prices),
        cash=book.cash,
        equity=book.value(played.spots[day], chain),
        dividends=tuple(one for one in played.dividends if one.ex_session > day),
    )


def quotes_of(chain: pl.DataFrame) -> dict[OptionContract, OptionQuote | None]:
    """The quotes of a session."""
    return {contract_of(row["contract"]): quote_of_row(row) for row in chain.iter_rows(named=True)}


def run(strategy: OptionStrategy, played: OptionMarket, book: PlainBook | None = None, rules: OptionFillRules = RULES) -> Iterator[Step]:
    """Play a market session by session: dividends, fills of what was decided at the session before, expiries, decisions, and the night."""
    book = PlainBook() if book is None else book
    waiting: list[Decision] = []
    for i, day in enumerate(played.sessions):
        spots = played.spots[day]
        for one in played.dividends:
            if one.ex_session == day and book.shares.get(one.underlying):
                book.pay(day, "dividend", one.underlying, book.shares[one.underlying], book.shares[one.underlying] * one.amount)
        _fill(book, waiting, day, played, rules)
        for held in [*book.options.values()]:
            if held.contract.expiry <= day:
                inside = _intrinsic(held, spots[held.contract.underlying]) >= Decimal("0.01")
                if inside:
                    book.deliver(day, "assignment" if held.quantity < 0 else "exercise", held, abs(held.quantity))
                else:
                    del book.options[held.contract]
        view = view_of(book, played, day)
        waiting = strategy.decide(view)
        yield Step(view=view, decisions=waiting, book=book)
        if i + 1 < len(played.sessions):
            _night(book, played, day, played.sessions[i + 1])


def _fill(book: PlainBook, waiting: list[Decision], day: date, played: OptionMarket, rules: OptionFillRules) -> None:
    if not any(one.action in {"open", "close", "roll"} for one in waiting):
        return
    quotes = quotes_of(played.chains[day])
    spots = {name: Decimal(str(spot)) for name, spot in played.spots[day].items()}
    for one in waiting:
        if one.action not in {"open", "close", "roll"} or any(
            leg.open_or_close == "close" and leg.contract is not None and leg.contract not in book.options for leg in one.legs
        ):
            continue
        fills = decision_fills(one, quotes, spots, rules)
        if isinstance(fills, NotFilled):
            continue
        for fill in fills:
            if fill.contract is None:
                book.trade_shares(day, "shares", fill.underlying, fill.quantity, fill.price)
            else:
                book.trade_option(day, fill.contract, fill.quantity, fill.price, one.rule, fill.fee)


def _intrinsic(held: HeldOption, spot: float) -> Decimal:
    gain = Decimal(str(spot)) - held.contract.strike
    return gain if held.contract.right is Right.CALL else -gain


def _night(book: PlainBook, played: OptionMarket, day: date, following: date) -> None:
    """Short calls in the money whose time value is below a dividend are assigned before its ex-date."""
    marks = dict(zip(played.chains[day]["contract"].to_list(), played.chains[day]["mark"].to_list(), strict=True))
    for one in played.dividends:
        if one.ex_session != following:
            continue
        for held in [*book.options.values()]:
            if held.contract.underlying != one.underlying or held.contract.right is not Right.CALL or held.quantity > 0:
                continue
            inside = _intrinsic(held, played.spots[day][one.underlying])
            mark = marks.get(held.contract.symbol)
            if mark is not None and inside > 0 and Decimal(str(mark)) - inside < one.amount:
                book.deliver(day, "assignment", held, abs(held.quantity))
