"""A session as the session loop has it while it goes on: what is held at the newest prices, risk and performance minute by minute.

It is read from the loop's journal, which is written before anything is done about it. So it is as new as the loop, and stays after the close; the assets `live_positions`,
`live_risk` and `live_performance` hold the same.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, func, inspect, select

from ats_assets.trade_state.journal_tables import TAKEN, decisions, events
from ats_assets.trade_state.journal_text import of_text
from ats_assets.trade_state.session_figures import JUDGED, performance_of, risk_of

Rows = list[dict[str, Any]]
_MINUTE = timedelta(minutes=1)
_AT_ONCE = 500
"""Events that are asked for together."""


class JournalRead:
    """The journal of one session.

    Parameters
    ----------
    session
        Default: the newest one that was followed.
    """

    def __init__(self, connection: Connection, strategy: str, session: date | None = None) -> None:
        self._connection, self._strategy = connection, strategy
        there = inspect(connection).has_table(events.name)
        newest = select(func.max(events.c.session)).where(events.c.strategy == strategy)
        self.session: date | None = session or (connection.execute(newest).scalar_one_or_none() if there else None)
        heard = select(func.max(events.c.known_at)).where(*self._of(events))
        self.heard_at: datetime | None = connection.execute(heard).scalar_one_or_none() if there else None
        """When the newest event was heard; None where no loop followed the session."""

    def held(self, ahead_seconds: float) -> Rows:
        """What is held at the newest prices, by symbol.

        Parameters
        ----------
        ahead_seconds
            By which an event may be ahead of the clock that heard it, `live.max_ahead_seconds`.
        """
        account = self._newest("account") or {}
        held = {symbol: shares for symbol, shares in sorted(account.get("positions", {}).items()) if shares}
        closes = (self._newest("plan") or {}).get("closes", {})
        newest = self._prices(set(held), timedelta(seconds=ahead_seconds))
        prices = {symbol: newest[symbol][0] if symbol in newest else closes.get(symbol) for symbol in held}
        values = {symbol: None if (price := prices[symbol]) is None else shares * price for symbol, shares in held.items()}
        equity = account.get("cash", 0.0) + sum(value or 0.0 for value in values.values())
        rows: Rows = []
        for symbol, shares in held.items():
            price, value, close = prices[symbol], values[symbol], closes.get(symbol)
            weight = value / equity if value is not None and equity > 0.0 else None
            profit = shares * (price - close) if price is not None and close is not None else None
            at = newest[symbol][1] if symbol in newest else None
            rows.append({"symbol": symbol, "at": at, "shares": shares, "price": price, "value": value, "weight": weight, "profit": profit})
        return rows

    def risk(self) -> Rows:
        """The risk, judged at the first bar of each minute and at a breach."""
        rows = [(row, of_text(row.fields)) for row in self._judged()]
        return [risk_of(row.decided_at, row.what, row.reason, found) | {"unpriced": found["unpriced"]} for row, found in rows]

    def performance(self) -> Rows:
        """What the session has made so far, at the same times."""
        rows, highest = [], 0.0
        for row in self._judged():
            fields = of_text(row.fields)
            highest = max(highest, fields["equity"])
            rows.append(performance_of(row.decided_at, fields, highest))
        return rows

    def _judged(self) -> Iterable[Row[Any]]:
        if self.heard_at is None:
            return []
        query = select(decisions).where(*self._of(decisions), decisions.c.what.in_(JUDGED)).order_by(decisions.c.number)
        return self._connection.execute(query)

    def _newest(self, kind: str) -> dict[str, Any] | None:
        """The fields of the newest event of a kind."""
        if self.heard_at is None:
            return None
        query = select(events.c.fields).where(*self._of(events), events.c.kind == kind, events.c.verdict.in_(TAKEN))
        found = self._connection.execute(query.order_by(events.c.number.desc()).limit(1)).scalar_one_or_none()
        return None if found is None else of_text(found)

    def _prices(self, symbols: set[str], ahead: timedelta) -> dict[str, tuple[float, datetime]]:
        """The newest price of each symbol in the session, of a trade or a bar's close, and its time on the market.

        A symbol's events are gone through from the newest back, until those that are left were heard before a price that is known: none of them can be newer. Symbols that
        are done are no longer asked for, so that one that seldom trades costs no reading of those that often do.
        """
        found: dict[str, tuple[float, datetime]] = {}
        query = select(events.c.number, events.c.kind, events.c.symbol, events.c.known_at, events.c.fields)
        query = query.where(*self._of(events), events.c.kind.in_(("bar", "trade")), events.c.verdict.in_(TAKEN))
        query = query.order_by(events.c.number.desc()).limit(_AT_ONCE)
        open_, rows = set(symbols), list[Row[Any]]()
        while open_:
            further = (events.c.number < rows[-1].number,) if rows else ()
            rows = list(self._connection.execute(query.where(events.c.symbol.in_(sorted(open_)), *further)))
            for row in rows:
                if row.symbol in found and row.known_at + ahead < found[row.symbol][1]:
                    open_.discard(row.symbol)
                if row.symbol in open_:
                    fields = of_text(row.fields)
                    price, at = (fields["close"], fields["starts_at"] + _MINUTE) if row.kind == "bar" else (fields["price"], fields["at"])
                    if row.symbol not in found or at > found[row.symbol][1]:
                        found[row.symbol] = price, at
            if len(rows) < _AT_ONCE:
                break
        return found

    def _of(self, table: Table) -> tuple[ColumnElement[bool], ...]:
        return table.c.session == self.session, table.c.strategy == self._strategy
