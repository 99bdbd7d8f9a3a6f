"""An account's history as the events of its sessions: with the market beside it, who was paid what, and what each strategy wanted."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl

from ats_assets.backtests.market import Market
from ats_assets.books.account_history import AccountHistory, Held
from ats_assets.books.apportionment import in_proportion
from ats_assets.books.session_events import UNITS, Action, SessionEvents, share_units
from ats_assets.books.wanted_parts import KEYS
from ats_assets.corporate_actions.identity import INSTRUMENT, Identities
from ats_assets.kernels.weight_limits import Floats
from ats_assets.portfolio.actions import counted, price_after, price_of_new
from ats_assets.portfolio.costs import to_cents
from ats_assets.portfolio.margin import borrow_fees, borrow_rates, debit_interest
from ats_assets.portfolio.sizing import rounded_one
from ats_assets.settings import BacktestSettings


def account_events(
    history: AccountHistory,
    market: Market,
    parts: pl.DataFrame,
    known: Identities,
    settings: BacktestSettings,
    *,
    smaller: pl.DataFrame | None = None,
) -> Iterator[SessionEvents]:
    """The events of each session of the market but the first, at whose close the books are opened.

    Parameters
    ----------
    market
        Of the targets, bars and actions, over the sessions of the account.
    parts
        session, symbol, and a column of weights for each strategy: what each has of the targets (`wanted_parts`).
    smaller
        session, symbol of positions that may only be made smaller; default none.
    """
    account = _Account(history, market, known, settings)
    wanted = _by_session(known.named(parts), [name for name in parts.columns if name not in KEYS])
    held_down: dict[date, set[str]] = defaultdict(set)
    for session, instrument in () if smaller is None else known.named(smaller).select("session", INSTRUMENT).iter_rows():
        held_down[session].add(instrument)
    for i in range(1, len(market.sessions)):
        before = market.sessions[i - 1]
        yield replace(account.events(i, wanted.get(before)), only_smaller=frozenset(held_down.get(before, ())))


def _by_session(parts: pl.DataFrame, strategies: Sequence[str]) -> dict[date, dict[str, tuple[float, ...]]]:
    """Session -> instrument -> weights of the strategies."""
    found: dict[date, dict[str, tuple[float, ...]]] = {}
    for session, instrument, *weights in parts.select("session", INSTRUMENT, *strategies).iter_rows():
        found.setdefault(session, {})[instrument] = tuple(weights)
    return found


class _Account:
    """The account, looked at session by session, in order."""

    def __init__(self, history: AccountHistory, market: Market, known: Identities, settings: BacktestSettings) -> None:
        self._history, self._market, self._known, self._settings = history, market, known, settings
        self._place = {instrument: j for j, instrument in enumerate(market.instruments)}
        self._tickers: dict[str, str] = {}
        self._missing = np.zeros(len(market.instruments), dtype=np.int64)

    def events(self, i: int, weights: Mapping[str, tuple[float, ...]] | None) -> SessionEvents:
        """Those of session `i`; `weights` are what was decided at the close before."""
        market, history = self._market, self._history
        day, before = market.sessions[i], market.sessions[i - 1]
        now, was, fills = history.held.get(day, {}), history.held.get(before, {}), history.fills.get(day, ())
        traded: dict[str, int] = defaultdict(int)
        for fill in fills:
            traded[fill.instrument] += fill.shares
        kept = {name: (now[name].units if name in now else 0) - traded[name] for name in {*now, *was, *traded}}
        borrowed, interest = self._borrowing(i, was)
        equity, marks = history.rows[before].equity, market.last_close[i - 1]
        tradable = np.flatnonzero(market.traded[i] & np.isfinite(market.open[i]))
        if i == 1 or market.tickers[i] is not market.tickers[i - 1]:
            self._tickers = dict(zip(market.instruments, market.tickers[i].tolist(), strict=True))
        return SessionEvents(
            session=day,
            borrowed=borrowed,
            interest=interest,
            actions=self._actions(i),
            income=self._income(i, was, kept),
            kept=kept,
            fills=fills,
            quoted={market.instruments[j]: float(market.open[i, j]) for j in tradable},
            gone=self._gone(i),
            wanted=None if weights is None or equity <= 0 else self._wanted(weights, equity, marks),
            weight={name: float(marks[j]) * 100 / equity / UNITS for name, j in self._place.items()} if equity > 0 else {},
            values=self._values(i, now),
            prices=dict(zip(market.instruments, market.last_close[i].tolist(), strict=True)),
            cash=history.rows[day].cash,
            symbols=self._tickers | {name: self._known.symbol(name, day) for name in now if name not in self._tickers},
        )

    def _values(self, i: int, now: Held) -> dict[str, int]:
        """Cents that the positions are worth: as the account says, else at the close, or nothing where there is none."""
        found = {}
        for name, position in now.items():
            place = self._place.get(name)
            close = float(self._market.last_close[i, place]) if place is not None else float("nan")
            known = position.value is not None or np.isfinite(close)
            value = position.value if position.value is not None else position.units * close * 100 / UNITS if known else 0
            found[name] = round(value)
        return found

    def _gone(self, i: int) -> dict[str, float]:
        """What ceases to trade: the account closes what it holds of it."""
        market = self._market
        self._missing = np.where(np.isfinite(market.open[i]), 0, self._missing + 1)
        gone = self._missing > self._settings.max_missing_sessions
        gone[market.ended[i]] = True
        marks = price_after(market.last_close[i - 1], market.ratio[i], market.paid[i])
        return {market.instruments[j]: float(marks[j]) for j in np.flatnonzero(gone & np.isfinite(marks))}

    def _wanted(self, weights: Mapping[str, tuple[float, ...]], equity: int, marks: Floats) -> dict[str, list[int | None]] | None:
        """Units that make up the weights; None of what is held without an opinion, and where there is nothing else."""
        found: dict[str, list[int | None]] = {}
        for name, own in weights.items():
            mark = float(marks[self._place[name]])
            found[name] = [None if math.isnan(weight) else share_units(weight * equity / 100 / mark) if mark > 0 else 0 for weight in own]
        return found if any(units is not None for own in found.values() for units in own) else None

    def _actions(self, i: int) -> dict[str, Action]:
        market = self._market
        ratio, paid, before = market.ratio[i], market.paid[i], market.last_close[i - 1]
        at = np.flatnonzero((ratio != 1.0) | (paid != 0.0))
        after = price_after(before[at], ratio[at], paid[at])
        return {
            market.instruments[j]: Action(ratio=float(ratio[j]), payment=float(paid[j]), price=float(price))
            for j, price in zip(at, after, strict=True)
        }

    def _income(self, i: int, was: Held, kept: Mapping[str, int]) -> dict[str, int]:
        """What actions paid for what was held: payments, and cash for the fractions that the account did not keep."""
        ratio, paid, before = self._market.ratio[i], self._market.paid[i], self._market.last_close[i - 1]
        found = {}
        for name, position in was.items():
            place = self._place.get(name, -1)
            if place < 0 or (ratio[place] == 1.0 and paid[place] == 0.0):
                continue
            shares = position.units / UNITS
            income = to_cents(shares * counted(before[place], paid[place]))
            fraction = rounded_one(rounded_one(shares * ratio[place]) - kept[name] / UNITS)
            price = price_of_new(before[place], ratio[place], paid[place])
            if 0.0 < abs(fraction) < 1.0 and np.isfinite(price):
                income += to_cents(fraction * price)
            found[name] = int(income)
        return found

    def _borrowing(self, i: int, was: Held) -> tuple[dict[str, int], int]:
        """What was paid for shares that are short, and for a debit: all of what the account paid, where that is recorded."""
        day, before = self._market.sessions[i], self._market.sessions[i - 1]
        paid = self._history.rows[day].financing
        if paid == 0 or (paid is None and not self._history.charged_by_rule):
            return {}, 0
        margin, days = self._settings.margin, (day - before).days
        short = {name: one.value or 0 for name, one in was.items() if one.units < 0}
        symbols = [self._known.symbol(name, day) for name in short]
        fees = borrow_fees(np.array([*short.values()], dtype=np.int64), borrow_rates(symbols, margin), days).tolist()
        interest = debit_interest(self._history.rows[before].cash, margin, days)
        if paid is not None and sum(fees) + interest != paid and sum(fees):  # another engine's rule
            fees, interest = in_proportion(paid, fees), 0
        return dict(zip(short, fees, strict=True)), interest if paid is None else paid - sum(fees)
