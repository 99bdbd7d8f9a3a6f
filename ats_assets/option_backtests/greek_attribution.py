"""What the change of a session's equity is owed to: the move of the underlying, its square, time, volatility, income, costs, and what none of these explains.

Of what was held over the close before, with its greeks there and the underlying's move dS, days dt and change of implied volatility dv until this close:

    delta * dS        gamma * dS² / 2        theta * dt        vega * dv

For options the fall of the price by a dividend of the session is no move, since prices of options know of it before; for shares it is one, and the dividend is `income`. Greeks are for
one share, theta a day, vega per point of volatility. `rest` is the P&L less all others, so that the parts add up to it to the cent.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from ats_assets.option_backtests.session_chain import ContractGreeks, SessionChain
from ats_assets.option_strategies.book.book_entries import OptionPosition, to_cent
from ats_assets.option_strategies.book.contract_actions import ShareAction
from ats_assets.option_strategies.book.option_book import OptionBook
from ats_assets.option_strategies.fills import ZERO, LegFill

PARTS: Final = ("delta", "gamma", "theta", "vega", "income", "spread", "fees", "carry", "rest")
"""What the P&L is made of."""
POINT: Final = 0.01
"""Of volatility, that vega is for."""
_OF_FLOWS: Final = {"dividend": "income", "in_lieu": "income", "fee": "fees", "interest": "carry", "borrow": "carry"}
NOWHERE: Final = ""
"""The underlying of what belongs to none: interest."""


@dataclass(frozen=True, kw_only=True)
class _HeldOver:
    """A position as it was at the close before, in contracts and prices of this session."""

    position: OptionPosition
    quantity: Decimal
    greeks: ContractGreeks | None
    ratio: Decimal
    cash: Decimal
    spot: Decimal | None


class GreekAttribution:
    """The P&L of one book, session after session: `begin`, `pay_spread` for each trade, then `rows`."""

    def __init__(self, book: OptionBook) -> None:
        self._book = book
        self._flows = len(book.flows)
        self._values: dict[str, Decimal] = {}
        self._shares: dict[str, tuple[Decimal, Decimal]] = {}
        self._held: list[_HeldOver] = []
        self._spread: defaultdict[str, Decimal] = defaultdict(Decimal)
        self._since: date | None = None
        self._last: dict[str, Decimal] = {}

    def begin(self, positions: Iterable[tuple[OptionPosition, ContractGreeks | None]], actions: Mapping[str, ShareAction]) -> None:
        """Note what is held, before the session's actions take effect."""
        self._spread.clear()
        self._held = []
        for position, greeks in positions:
            action = actions.get(position.underlying, ShareAction(underlying=position.underlying))
            self._held.append(
                _HeldOver(
                    position=position,
                    quantity=Decimal(position.quantity * position.multiplier),
                    greeks=greeks,
                    ratio=action.ratio,
                    cash=action.cash,
                    spot=position.spot,
                )
            )
        renamed = {one.underlying: one.renamed_to for one in actions.values() if one.renamed_to}
        self._values = {renamed.get(name, name): value for name, value in self._values.items()}
        self._shares = {}
        for name, holding in self._book.shares.items():
            action = actions.get(name, ShareAction(underlying=name))
            self._shares[renamed.get(name, name)] = (holding.quantity * action.ratio, holding.value)

    def pay_spread(self, fills: Iterable[LegFill]) -> None:
        """Note what trades were worse than the middle."""
        for fill in fills:
            self._spread[fill.underlying] -= fill.spread_paid

    def rows(self, session: date, chain: SessionChain) -> list[dict[str, Any]]:
        """A row for each underlying that was held or had a cash flow, and one for what belongs to none."""
        book, days = self._book, 0 if self._since is None else (session - self._since).days
        parts: defaultdict[str, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        pnl: defaultdict[str, Decimal] = defaultdict(Decimal)
        values = {name: self._value(name) for name in book.underlyings()}
        for name, value in values.items():
            pnl[name] += value
        for name, value in self._values.items():
            pnl[name] -= value
        for flow in book.flows[self._flows :]:
            name = flow.underlying or NOWHERE
            pnl[name] += ZERO if flow.kind == "deposit" else flow.cash
            if flow.kind in _OF_FLOWS:
                parts[name][_OF_FLOWS[flow.kind]] += flow.cash
        for name, (number, before) in self._shares.items():
            spot = chain.spots.get(name)
            parts[name]["delta"] += ZERO if spot is None else number * spot - before
        for one in self._held:
            self._of_position(one, chain, days, parts[one.position.underlying])
        for name, paid in self._spread.items():
            parts[name]["spread"] += paid
        self._flows, self._values, self._since = len(book.flows), values, session
        found: list[dict[str, Any]] = []
        self._last = {part: ZERO for part in ("pnl", *PARTS)}  # noqa: C420 - fromkeys has the literals as its type
        for name in sorted(pnl):
            own = {part: to_cent(parts[name][part]) for part in PARTS}
            own["rest"] = pnl[name] - sum((value for part, value in own.items() if part != "rest"), ZERO)
            row = {"pnl": pnl[name], **own}
            self._last = {part: value + row[part] for part, value in self._last.items()}
            found.append({"session": session, "strategy": book.strategy, "underlying": name or None, **row})
        return found

    def totals(self) -> dict[str, Decimal]:
        """The sums over the underlyings of the last session: pnl, income, spread, fees, carry."""
        return {name: self._last[name] for name in ("pnl", "income", "spread", "fees", "carry")}

    def _value(self, underlying: str) -> Decimal:
        of_options = sum((one.value for one in self._book.options.values() if one.underlying == underlying), ZERO)
        holding = self._book.shares.get(underlying)
        return of_options + (ZERO if holding is None else holding.value)

    @staticmethod
    def _of_position(one: _HeldOver, chain: SessionChain, days: int, parts: defaultdict[str, Decimal]) -> None:
        """What delta, gamma, theta and vega of the close before explain, for shares as they were there: a split makes the move so many times as large."""
        spot = chain.spots.get(one.position.underlying)
        if one.greeks is None or spot is None or one.spot is None:
            return
        move = float(spot * one.ratio - (one.spot - one.cash))
        number, greeks = float(one.quantity), one.greeks
        now = chain.greeks(one.position.contract)
        points = 0.0 if now is None else (now.implied_volatility - greeks.implied_volatility) / POINT
        explained = {
            "delta": number * greeks.delta * move,
            "gamma": number * greeks.gamma * move * move / 2.0,
            "theta": number * greeks.theta * days,
            "vega": number * greeks.vega * points,
        }
        for name, value in explained.items():
            parts[name] += Decimal(repr(value))
