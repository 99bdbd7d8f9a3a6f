"""What an account of options comes to, added up a second time: from the trades and the market alone, in whole cents and fractions, by code that shares nothing with the package.

It is told of each trade (session, contract or None, number, price, fee), of each voluntary exercise, of the quotes, closes and actions of each session, and works out for itself what
expires, is assigned or exercised, what splits make of it, and what dividends and borrowing cost.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from math import floor


@dataclass
class Market:
    """Of each session: closes by underlying, and bid and ask (None for none) by symbol of a contract; and the actions: (underlying, session) -> (ratio, cash)."""

    sessions: Sequence[date]
    after: date
    closes: Mapping[date, Mapping[str, float]]
    quotes: Mapping[date, Mapping[str, tuple[float | None, float | None]]]
    actions: Mapping[tuple[str, date], tuple[float, float]] = field(default_factory=dict)
    marks: Mapping[date, Mapping[str, float]] | None = None
    """Of a market without quotes; else the middle of the quotes is taken."""

    def mark(self, day: date, symbol: str) -> Fraction | None:
        if self.marks is not None:
            told = self.marks[day].get(symbol)
            return None if told is None else exact(told)
        bid, ask = self.quotes[day].get(symbol, (None, None))
        return exact((bid + ask) / 2) if bid is not None and ask is not None else None


@dataclass
class Costs:
    fee: Fraction = Fraction(0)
    assignment: Fraction = Fraction(0)
    debit: Fraction = Fraction(0)
    borrow: Fraction = Fraction(0)
    put_rate: float | None = None


def exact(number: float) -> Fraction:
    return Fraction(repr(number))


def cents(amount: Fraction) -> int:
    """Half a cent away from zero."""
    size = floor(abs(amount) * 100 + Fraction(1, 2))
    return size if amount >= 0 else -size


def parts(symbol: str) -> tuple[str, date, Fraction, bool]:
    """Underlying, expiry, strike, whether it is a call."""
    root, rest = symbol[:-15], symbol[-15:]
    return root, date(2000 + int(rest[:2]), int(rest[2:4]), int(rest[4:6])), Fraction(int(rest[7:]), 1000), rest[6] == "C"


def worth(symbol: str, spot: Fraction) -> Fraction:
    _, _, strike, call = parts(symbol)
    return max(spot - strike if call else strike - spot, Fraction(0))


class Ledger:
    def __init__(self, capital: int, market: Market, costs: Costs) -> None:
        self.cash, self.market, self.costs = capital * 100, market, costs
        self.options: defaultdict[str, int] = defaultdict(int)
        self.shares: defaultdict[str, int] = defaultdict(int)
        self.spots: dict[str, Fraction] = {}
        self.marks: dict[str, Fraction] = {}
        self.under: dict[str, Fraction] = {}
        """The close at which each mark was known."""

    def borrow(self, days: int) -> None:
        for name, number in self.shares.items():
            if number < 0:
                value = cents(number * self.spots[name])
                self.cash -= cents(Fraction(-value, 100) * self.costs.borrow * days / 360)
        if self.cash < 0:
            self.cash -= cents(Fraction(-self.cash, 100) * self.costs.debit * days / 360)

    def act(self, day: date) -> None:
        for (name, ex), (ratio_, cash_) in self.market.actions.items():
            if ex != day:
                continue
            ratio, cash = exact(ratio_), exact(cash_)
            number, spot = self.shares[name], self.spots.get(name)
            if number and spot is not None:
                self.cash += cents(number * cash)
                grown = number * ratio
                whole = int(grown)
                self.cash += cents((grown - whole) * (spot - cash) / ratio)
                self.shares[name] = whole
                self.spots[name] = (spot - cash) / ratio
            for symbol in [one for one, held in self.options.items() if held and parts(one)[0] == name]:
                if symbol in self.under:
                    self.under[symbol] = (self.under[symbol] - cash) / ratio
                if ratio == int(ratio) and ratio > 1:
                    root, _, strike, _ = parts(symbol)
                    new = f"{root}{symbol[len(root) : len(root) + 7]}{cents(strike / ratio) * 10:08d}"
                    self.options[new] += self.options.pop(symbol) * int(ratio)
                    self.marks[new], self.under[new] = self.marks.pop(symbol) / ratio, self.under.pop(symbol)
                else:
                    assert ratio == 1, "contracts with adjusted deliverables were to be closed the night before"

    def trade(self, symbol: str | None, name: str, number: int, price: Fraction) -> None:
        if symbol is None:
            self.shares[name] += number
            self.cash -= cents(number * price)
            return
        self.options[symbol] += number
        self.cash -= cents(number * 100 * price) + cents(self.costs.fee * abs(number))

    def deliver(self, symbol: str, number: int) -> None:
        """Exercise so many of the position, whichever side it has."""
        name, _, strike, call = parts(symbol)
        sign = 1 if self.options[symbol] > 0 else -1
        shares = number * 100 * sign * (1 if call else -1)
        self.shares[name] += shares
        self.cash -= cents(shares * strike) + cents(self.costs.assignment * number)
        self.options[symbol] -= sign * number

    def expire(self, day: date, following: date) -> None:
        for symbol in [one for one, held in self.options.items() if held and parts(one)[1] < following]:
            spot = self.market.closes[day].get(parts(symbol)[0])
            value = worth(symbol, self.under[symbol] if spot is None else exact(spot))
            if value >= Fraction(1, 100):
                self.deliver(symbol, abs(self.options[symbol]))
            self.options[symbol] = 0

    def mark(self, day: date) -> None:
        closes = self.market.closes[day]
        self.spots |= {name: exact(spot) for name, spot in closes.items()}
        for symbol, held in self.options.items():
            if not held:
                continue
            spot, told = closes.get(parts(symbol)[0]), self.market.mark(day, symbol)
            if told is not None:
                self.marks[symbol] = told
            elif spot is not None:
                left = max(self.marks[symbol] - worth(symbol, self.under[symbol]), Fraction(0))
                self.marks[symbol] = worth(symbol, exact(spot)) + left
            if spot is not None:
                self.under[symbol] = exact(spot)

    def night(self, day: date, following: date) -> None:
        closes, quotes = self.market.closes[day], self.market.quotes[day]
        for symbol in sorted(one for one, held in self.options.items() if held < 0):
            name, _, strike, call = parts(symbol)
            if name not in closes or not worth(symbol, exact(closes[name])):
                continue
            time_value = max((self.market.mark(day, symbol) or Fraction(0)) - worth(symbol, exact(closes[name])), Fraction(0))
            gain = exact(self.market.actions.get((name, following), (1.0, 0.0))[1])
            if not call:
                if self.costs.put_rate is None:
                    continue
                gain = strike * exact(self.costs.put_rate) * (following - day).days / 365 - gain
            if time_value < gain:
                self.deliver(symbol, -self.options[symbol])
        for symbol in [one for one, held in self.options.items() if held]:
            name = parts(symbol)[0]
            ratio = self.market.actions.get((name, following), (1.0, 0.0))[0]
            if ratio == int(ratio):
                continue
            held, (bid, ask) = self.options[symbol], quotes.get(symbol, (None, None))
            price = ask if held < 0 else bid
            if price:
                self.trade(symbol, name, -held, exact(price))
            else:
                spot = exact(closes[name]) if name in closes else self.under[symbol]
                self.cash += cents(held * 100 * worth(symbol, spot))
                self.options[symbol] = 0

    def equity(self) -> int:
        of_options = sum(cents(held * 100 * self.marks[one]) for one, held in self.options.items() if held)
        return self.cash + of_options + sum(cents(number * self.spots[name]) for name, number in self.shares.items() if number)


Trade = tuple[date, str | None, str, int, Fraction]
"""Session, contract, underlying, number, price."""


def add_up(
    capital: int, market: Market, costs: Costs, trades: Sequence[Trade], exercises: Sequence[tuple[date, str, int]]
) -> dict[date, tuple[int, int, dict[str, int], dict[str, int]]]:
    """Of each session's end: cash and equity in cents, contracts and shares held."""
    ledger, found, days = Ledger(capital, market, costs), {}, list(market.sessions)
    for i, day in enumerate(days):
        following = days[i + 1] if i + 1 < len(days) else market.after
        if i:
            ledger.borrow((day - days[i - 1]).days)
        ledger.act(day)
        for session, symbol, name, number, price in trades:
            if session == day:
                if (
                    symbol is not None and ledger.options[symbol] * (ledger.options[symbol] + number) <= 0
                ):  # it begins, ends, or changes sides
                    ledger.marks[symbol], ledger.under[symbol] = price, exact(market.closes[day][name])
                ledger.trade(symbol, name, number, price)
        for session, symbol, number in exercises:
            if session == day:
                ledger.deliver(symbol, number)
        ledger.expire(day, following)
        ledger.mark(day)
        if following != market.after:
            ledger.night(day, following)
        held = {one: number for one, number in ledger.options.items() if number}
        found[day] = (ledger.cash, ledger.equity(), held, {one: number for one, number in ledger.shares.items() if number})
    return found
