"""Positions, risk and performance of a session while it goes on, as frames: pure queries of what the journal says, for assets, the command line, and whoever serves them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType

import polars as pl
from sqlalchemy import Connection

from ats_assets.algorithms.algorithm import filled, pending
from ats_assets.live.live_rules import LiveRules
from ats_assets.live.session_journal import DecidedRow, Heard, SessionJournal
from ats_assets.live.session_state import LiveState
from ats_assets.live.step import begin, step
from ats_assets.trade_state.journal_text import to_text
from ats_assets.trade_state.session_figures import JUDGED, performance_of, risk_of

_AT = pl.Datetime("us", "UTC")
_F = pl.Float64
DECISIONS = pl.Schema(
    {
        "session": pl.Date,
        "number": pl.Int64,
        "event": pl.Int64,
        "decided_at": _AT,
        "what": pl.String,
        "subject": pl.String,
        "symbol": pl.String,
        "reason": pl.String,
        "fields": pl.String,
        "done": pl.Boolean,
    }
)
POSITIONS = pl.Schema(
    {"session": pl.Date, "symbol": pl.String, "at": _AT, "shares": _F, "price": _F, "value": _F, "weight": _F, "profit": _F}
)
RISK = pl.Schema(
    {
        "session": pl.Date,
        "at": _AT,
        "equity": _F,
        "gross_share": _F,
        "net_share": _F,
        "largest_share": _F,
        "largest_symbol": pl.String,
        "positions": pl.Int64,
        "exposure": _F,
        "breach": pl.String,
    }
)
PERFORMANCE = pl.Schema({"session": pl.Date, "at": _AT, "equity": _F, "profit": _F, "session_return": _F, "drawdown": _F})
ORDERS = pl.Schema(
    {
        "client_order_id": pl.String,
        "symbol": pl.String,
        "side": pl.String,
        "quantity": _F,
        "filled": _F,
        "open": _F,
        "orders": pl.Int64,
        "average_price": _F,
        "says": pl.String,
    }
)


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A session as its journal has it.

    Attributes
    ----------
    state
        After the newest event that is written down.
    """

    session: date
    state: LiveState
    heard: Sequence[Heard]
    decided: Sequence[DecidedRow]

    @property
    def age(self) -> Callable[[datetime], timedelta]:
        """How long ago the newest event was heard, at an instant."""
        return lambda now: now - self.state.now


def watched(connection: Connection, journal: SessionJournal, rules: LiveRules) -> Watched | None:
    """The session of a journal, its steps repeated; None where nothing was heard of it."""
    heard, decided = journal.heard(connection), journal.decided(connection)
    if not heard:
        return None
    state = begin(rules, heard[0].event.known_at)
    for one in heard:
        state = step(state, one.event, rules).state
    return Watched(session=journal.session, state=state, heard=heard, decided=decided)


def decisions_frame(session: date, decided: Sequence[DecidedRow]) -> pl.DataFrame:
    """The decisions, `DECISIONS`."""
    rows = [
        (session, one.number, one.after, one.at, made.what.value, made.subject, made.symbol, made.reason, to_text(made.fields), one.done)
        for one in decided
        for made in [one.decision]
    ]
    return pl.DataFrame(rows, schema=DECISIONS, orient="row")


def held_frame(one: Watched) -> pl.DataFrame:
    """What is held, `POSITIONS`, by symbol."""
    state = one.state
    held = {} if state.account is None else {symbol: shares for symbol, shares in sorted(state.account.positions.items()) if shares}
    values = {symbol: None if (price := state.price_of(symbol)) is None else shares * price for symbol, shares in held.items()}
    equity = (0.0 if state.account is None else state.account.cash) + sum(value or 0.0 for value in values.values())
    rows = []
    for symbol, shares in held.items():
        known, price, value, close = state.of(symbol).last, state.price_of(symbol), values[symbol], state.begun.closes.get(symbol)
        weight = value / equity if value is not None and equity > 0.0 else None
        profit = shares * (price - close) if price is not None and close is not None else None
        rows.append((one.session, symbol, known.at if known else state.opens_at, shares, price, value, weight, profit))
    return pl.DataFrame(rows, schema=POSITIONS, orient="row")


def risk_frame(one: Watched) -> pl.DataFrame:
    """The risk minute by minute, `RISK`."""
    rows = [risk_of(row.at, row.decision.what, row.decision.reason, row.decision.fields) for row in _judged(one)]
    return pl.DataFrame([{"session": one.session, **row} for row in rows], schema=RISK)


def performance_frame(one: Watched) -> pl.DataFrame:
    """What was made so far minute by minute, `PERFORMANCE`."""
    rows, highest = [], 0.0
    for row in _judged(one):
        highest = max(highest, row.decision.fields["equity"])
        rows.append({"session": one.session, **performance_of(row.at, row.decision.fields, highest)})
    return pl.DataFrame(rows, schema=PERFORMANCE)


def worked_frame(one: Watched) -> pl.DataFrame:
    """The orders that are worked, `ORDERS`: how much is done, and what is said of each."""
    state, says = one.state, {row.decision.subject: f"{row.decision.what}: {row.decision.reason}" for row in one.decided}
    rows = []
    for parent in state.parents:
        name, children = parent.client_order_id, state.children_of(parent)
        done = filled(children)
        paid = sum(float(child.filled) * float(child.average_price) for child in children if child.average_price is not None)
        average = paid / float(done) if done else None
        quantities = (float(value) for value in (parent.quantity, done, pending(children)))
        rows.append((name, parent.symbol, parent.side.value, *quantities, len(children), average, says.get(name)))
    return pl.DataFrame(rows, schema=ORDERS, orient="row")


def _judged(one: Watched) -> list[DecidedRow]:
    return [row for row in one.decided if row.decision.what in JUDGED]


FRAMES: Mapping[str, Callable[[Watched], pl.DataFrame]] = MappingProxyType(
    {"positions": held_frame, "risk": risk_frame, "performance": performance_frame}
)
"""By the name that settings have for it (`live.monitors`)."""
