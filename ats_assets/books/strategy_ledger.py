"""The books of strategies that share an account: each its shares, its cash and what came of them, which add up to the account's, share for share and cent for cent.

A session, in the order in which the account itself goes through it:

1. Shares that are short are paid for by those who are short in them, in proportion; interest on a debit by those whose cash is below zero.
2. Corporate actions: each has of a payment, and of new shares, what its old ones bring. Whole shares stay whole: who is given a fraction more than its own pays for it.
3. Trades of the account are split by `trade_split`. All strategies trade at the price of the account's own fill, before costs; costs are borne by those on the side that went to the market, in proportion.
   What the account did not trade strategies still trade with each other at the open, where one wants to buy what another wants to sell, each beyond its no-trade band; that costs nothing.
4. Positions are marked at the close, so that the values add up to the account's.

What is left of the account's cash then (deposits, fees of no trade) is shared by capital. Whatever is shared is shared by the largest remainder (`apportionment`).
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction

from ats_assets.books.apportionment import apportioned, in_proportion
from ats_assets.books.ledger_rows import BookFill, BookRows, BookState, Tables
from ats_assets.books.session_events import UNITS, AccountFill, Action, SessionEvents
from ats_assets.books.trade_split import shared_trade
from ats_assets.errors import ContractError
from ats_assets.portfolio.rebalance import outside_band
from ats_assets.settings import PortfolioSettings

UNALLOCATED = "unallocated"
"""The book of the capital that no strategy has; it holds cash alone, less than none where strategies have more than all."""
_WHOLE = 10**9


class StrategyLedger:
    """The books.

    Parameters
    ----------
    capital
        Strategy -> its share of the equity, in the order of the settings; those with none have no book.
    cash
        The account's, in cents, when the books are opened.
    portfolio
        With the no-trade band.
    """

    def __init__(self, capital: Mapping[str, float], cash: int, portfolio: PortfolioSettings | None = None) -> None:
        shares = {name: round(share * _WHOLE) for name, share in capital.items() if share > 0}
        if UNALLOCATED in shares:
            raise ContractError(f"a strategy is called {UNALLOCATED!r}, as the book of what no strategy has: give it another name")
        rest = _WHOLE - sum(shares.values())
        self._capital = [*shares.values()]
        self._portfolio = portfolio or PortfolioSettings()
        self.names = [*shares, *([UNALLOCATED] if abs(rest) >= len(shares) + 1 else [])]
        parts = [*self._capital, *([rest] if UNALLOCATED in self.names else [])]
        self._parts = parts
        self._cash = apportioned(cash, [cash * part for part in parts], _WHOLE)
        self._shares: list[dict[str, int]] = [{} for _ in self.names]
        self._values: list[dict[str, int]] = [{} for _ in self.names]
        self._rows = BookRows(self.names, [part / _WHOLE for part in parts])

    def tables(self) -> Tables:
        """The rows of all sessions so far."""
        return self._rows.tables()

    def holdings(self, instrument: str) -> list[int]:
        """Units that each strategy holds."""
        return [book.get(instrument, 0) for book in self._shares]

    @property
    def cash(self) -> list[int]:
        """Of each, in cents."""
        return [*self._cash]

    def take_over(self, day: date, held: Mapping[str, int], values: Mapping[str, int], symbols: Mapping[str, str]) -> None:
        """Open the books with what the account holds already, shared by capital."""
        for instrument, units in held.items():
            lot = UNITS if units % UNITS == 0 else 1
            self._hold(instrument, [lot * part for part in self._of_all(in_proportion(units // lot, self._capital))])
            for book, value in zip(self._values, self._marked(instrument, values[instrument], float("nan")), strict=True):
                book.update({instrument: value} if value else {})
        self._close(day, self._values, {}, symbols)

    def pass_session(self, events: SessionEvents) -> None:
        """Go through a session.

        Raises
        ------
        ContractError
            If the account holds other shares at the end than those that its events make.
        """
        self._rows.open()
        self._charge(events)
        self._act(events)
        for fill in events.fills:
            self._trade(fill, events)
        self._cross(events)
        self._account_cash(events)
        self._mark(events)

    def _charge(self, events: SessionEvents) -> None:
        """What was borrowed is paid for."""
        for instrument, fee in sorted(events.borrowed.items()):
            short = [max(-units, 0) for units in self.holdings(instrument)]
            parts = in_proportion(fee, short) if any(short) else self._of_all(in_proportion(fee, self._capital))
            self._pay(instrument, "borrow_cost", parts)
        if events.interest:
            debit = [max(-cash, 0) for cash in self._cash]
            parts = in_proportion(events.interest, debit) if any(debit) else self._of_all(in_proportion(events.interest, self._capital))
            self._pay(None, "interest", parts)

    def _act(self, events: SessionEvents) -> None:
        """Corporate actions, and whatever else changed the account's shares before the open."""
        instruments = {*events.kept, *events.actions, *events.income}
        for instrument in sorted(instruments):
            before = self.holdings(instrument)
            action = events.actions.get(instrument, Action())
            kept, income = events.kept.get(instrument, 0), events.income.get(instrument, 0)
            nobody = not any(before) and not kept
            if nobody or (kept == sum(before) and action.ratio == 1.0 and action.payment == 0.0 and not income):
                continue
            ratio, payment = Fraction(action.ratio), Fraction(action.payment)
            after = self._grown(before, ratio, kept)
            self._hold(instrument, after)
            price = Fraction(action.price) if math.isfinite(action.price) else Fraction(0)
            exact = [own * payment + (own * ratio - new) * price for own, new in zip(before, after, strict=True)]
            self._receive(instrument, "income", _in_cents(income, exact, before, self._of_all(self._capital)))

    def _grown(self, before: list[int], ratio: Fraction, kept: int) -> list[int]:
        """What shares become, all together `kept`."""
        sound = kept % UNITS == 0 and all(units % UNITS == 0 for units in before)
        lot = UNITS if sound else 1
        exact = [units * ratio.numerator for units in before]
        denominator = ratio.denominator
        if sum(exact) == 0 and kept:  # delivered by something else, such as a spin-off
            return self._of_all([lot * part for part in in_proportion(kept // lot, self._capital)])
        return [lot * part for part in apportioned(kept // lot, exact, denominator * lot)]

    def _trade(self, fill: AccountFill, events: SessionEvents) -> None:
        """Split one fill."""
        held = self.holdings(fill.instrument)
        lot = UNITS if fill.shares % UNITS == 0 and all(units % UNITS == 0 for units in held) else 1
        if fill.delisted:
            parts = [-units for units in held]
            if sum(parts) != fill.shares:
                raise ContractError(
                    f"session {events.session}: {events.symbols.get(fill.instrument, fill.instrument)} is delisted, but the strategies hold "
                    f"{-sum(parts) / UNITS:g} shares and the account closes {-fill.shares / UNITS:g}"
                )
        else:
            wanted = self._changes(fill.instrument, held, events)
            parts = self._of_all(shared_trade(fill.shares, wanted, held[: len(wanted)], self._capital, lot))
        self._settle(fill, parts, lot)

    def _settle(self, fill: AccountFill, parts: list[int], lot: int) -> None:
        """Book the parts of a fill: shares, money at its price, costs on the side that went to the market."""
        side = 1 if fill.shares > 0 else -1
        flow, size = -side * fill.notional, abs(fill.shares)
        money = apportioned(flow, [-part * fill.notional for part in parts], size)
        along = [max(side * part, 0) for part in parts]
        costs = {name: in_proportion(getattr(fill, name), along) for name in ("commission", "spread", "slippage")}
        market = [lot * one for one in in_proportion(size // lot, along)]
        crossed = [abs(part) - own for part, own in zip(parts, market, strict=True)]
        self._book(fill.instrument, parts, crossed, money, costs, delisted=fill.delisted)

    def _cross(self, events: SessionEvents) -> None:
        """What strategies trade with each other of instruments that the account did not trade."""
        if len(self._capital) < 2:
            return
        traded = {fill.instrument for fill in events.fills}
        for instrument in sorted({*(events.wanted or ()), *(name for book in self._shares for name in book)} - traded):
            held = self.holdings(instrument)
            if instrument in events.gone and not sum(held) and any(held):
                self._exchange(instrument, [-units for units in held], events.gone[instrument], gone=True)
            elif events.wanted is not None and instrument in events.quoted:
                changes = [
                    change if change and self._beyond_band(instrument, own, change, events) else 0
                    for own, change in zip(held, self._changes(instrument, held, events), strict=False)
                ]
                if min(changes) < 0 < max(changes):
                    lot = UNITS if all(units % UNITS == 0 for units in held) else 1
                    parts = self._of_all(shared_trade(0, changes, held, self._capital, lot))
                    self._exchange(instrument, parts, events.quoted[instrument])

    def _exchange(self, instrument: str, parts: list[int], price: float, *, gone: bool = False) -> None:
        """Book what strategies trade with each other: parts that sum to nothing."""
        numerator, denominator = price.as_integer_ratio()
        money = apportioned(0, [-part * numerator * 100 for part in parts], denominator * UNITS)
        self._book(instrument, parts, [abs(part) for part in parts], money, {}, delisted=gone)

    def _changes(self, instrument: str, held: Sequence[int], events: SessionEvents) -> list[int]:
        """What each strategy wants to trade: nothing where it had no opinion, or nobody had one."""
        own = list(held[: len(self._capital)])
        if events.wanted is None:
            return [0] * len(own)
        ratio = Fraction(events.actions.get(instrument, Action()).ratio)
        wanted = events.wanted.get(instrument, [0] * len(own))
        changes = [0 if want is None else math.trunc(want * ratio) - have for want, have in zip(wanted, own, strict=True)]
        if instrument not in events.only_smaller:
            return changes
        return [max(min(change, 0), -have) if have > 0 else min(max(change, 0), -have) for change, have in zip(changes, own, strict=True)]

    def _beyond_band(self, instrument: str, held: int, change: int, events: SessionEvents) -> bool:
        weight = events.weight.get(instrument, math.nan)
        if not math.isfinite(weight):
            return held + change == 0
        return bool(outside_band(held * weight, (held + change) * weight, self._portfolio))

    def _account_cash(self, events: SessionEvents) -> None:
        """What is left of the account's cash, shared by capital."""
        if rest := events.cash - sum(self._cash):
            self._receive(None, "other", apportioned(rest, [rest * part for part in self._parts], _WHOLE))

    def _mark(self, events: SessionEvents) -> None:
        """Mark all positions at the close."""
        held = sorted({name for book in self._shares for name in book})
        values: list[dict[str, int]] = [{} for _ in self.names]
        for instrument in held:
            parts = self._marked(instrument, events.values.get(instrument, 0), events.prices.get(instrument, math.nan))
            for book, part, own in zip(values, parts, self.holdings(instrument), strict=True):
                book.update({instrument: part} if own else {})
        for name in sorted({*events.values} - {*held}):
            raise ContractError(f"session {events.session}: the account holds {events.symbols.get(name, name)}, and no strategy does")
        before, self._values = self._values, values
        self._close(events.session, before, events.prices, events.symbols)

    def _close(self, day: date, before: Sequence[Mapping[str, int]], prices: Mapping[str, float], symbols: Mapping[str, str]) -> None:
        rows = zip(self._cash, self._shares, self._values, before, strict=True)
        books = [BookState(cash=cash, shares=shares, values=values, before=old) for cash, shares, values, old in rows]
        self._rows.close(day, books, prices, symbols)

    def _marked(self, instrument: str, value: int, price: float) -> list[int]:
        """The cents that each strategy's shares are worth, all together `value`."""
        units = self.holdings(instrument)
        if math.isfinite(price):
            numerator, denominator = price.as_integer_ratio()
            return _among(units, value, [own * numerator * 100 for own in units], denominator * UNITS)
        total = sum(units)
        return in_proportion(value, units) if total and min(units) * max(units) >= 0 else _among(units, value, [0] * len(units), 1)

    def _hold(self, instrument: str, units: Sequence[int]) -> None:
        for book, own in zip(self._shares, units, strict=True):
            book.pop(instrument, None)
            book.update({instrument: own} if own else {})

    def _book(
        self,
        instrument: str,
        parts: list[int],
        crossed: list[int],
        money: list[int],
        costs: Mapping[str, list[int]],
        *,
        delisted: bool = False,
    ) -> None:
        self._hold(instrument, [own + part for own, part in zip(self.holdings(instrument), parts, strict=True)])
        for i, flow in enumerate(money):
            paid = {name: of[i] for name, of in costs.items()}
            self._cash[i] += flow - sum(paid.values())
            if parts[i]:
                part = {"strategy": i, "units": parts[i], "crossed": crossed[i], "flow": flow, "costs": paid}
                self._rows.fill(BookFill(instrument=instrument, delisted=delisted, **part))

    def _pay(self, instrument: str | None, what: str, parts: Sequence[int]) -> None:
        for i, part in enumerate(parts):
            self._cash[i] -= part
            self._rows.add(i, instrument, what, part)

    def _receive(self, instrument: str | None, what: str, parts: Sequence[int]) -> None:
        for i, part in enumerate(parts):
            self._cash[i] += part
            self._rows.add(i, instrument, what, part)

    def _of_all(self, of_strategies: Sequence[int]) -> list[int]:
        """Parts of the strategies, and none of what no strategy has."""
        return [*of_strategies, *[0] * (len(self.names) - len(of_strategies))]


def _among(units: Sequence[int], total: int, numerators: Sequence[int], denominator: int) -> list[int]:
    """`apportioned` among those who hold some."""
    at = [i for i, own in enumerate(units) if own]
    parts = apportioned(total, [numerators[i] for i in at], denominator)
    found = defaultdict(int, zip(at, parts, strict=True))
    return [found[i] for i in range(len(units))]


def _in_cents(total: int, exact: Sequence[Fraction], before: Sequence[int], capital: Sequence[int]) -> list[int]:
    """Cents of what each is owed (currency times units), all together `total`; a sum that is not theirs is shared by what they hold, or by capital."""
    owed = [one * 100 / UNITS for one in exact]
    if abs(total - sum(owed)) > len(owed) + 1:
        sizes = [abs(one) for one in before]
        return in_proportion(total, sizes if any(sizes) else capital)
    denominator = math.lcm(*(one.denominator for one in owed))
    return apportioned(total, [one.numerator * (denominator // one.denominator) for one in owed], denominator)
