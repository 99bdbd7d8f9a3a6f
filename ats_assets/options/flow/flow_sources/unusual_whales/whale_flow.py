"""Option flow from Unusual Whales, as a `FlowSource`.

Lists come newest first, at most 200 alerts or 500 trades a page, and the next page is what is older than the last row. Several rows can be of one time, and nothing says whether "older than" a
time includes it, or how finely it is compared: so a page is asked for up to a millisecond after the last row of the one before, counts only if it has rows of that time again, and is asked for up to
a second after it otherwise; rows that came are left out. Where neither goes on, that is an error: nothing is lost in silence. A list ends with a page that has nothing older, not with a short one: a
server may give fewer rows at once than it says.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.options.flow.flow_source import flow_order, flow_span, known_in
from ats_assets.options.flow.flow_sources.unusual_whales.whale_rows import alert_rows, dark_rows, exposure_rows
from ats_assets.options.flow.flow_sources.unusual_whales.whale_settings import WhaleFlowSettings
from ats_assets.options.flow.schema import RAW_OPTION_FLOW_SCHEMA
from ats_assets.vendors.answer import Answer
from ats_assets.vendors.credentials import VendorKeys
from ats_assets.vendors.errors import VendorPagesError, VendorRefusedError
from ats_assets.vendors.http import VendorHttp
from ats_assets.vendors.open_vendor import open_vendor
from ats_assets.vendors.vendor_limits import VendorLimits

VARIABLE: Final = "UNUSUAL_WHALES_API_TOKEN"
OLDER: Final = {VARIABLE: ("UNUSUAL_WHALES_API_KEY", "UW_TOKEN")}
VENDOR: Final = "unusual_whales"
PER_MINUTE: Final = 120
"""Requests of a token; `[vendors.unusual_whales]` may say another number."""
SETTLING: Final = timedelta(minutes=15)
"""After the close: what was reported late is in, and the day's exposure."""
_SECOND: Final = timedelta(seconds=1)
_STEPS: Final = (timedelta(milliseconds=1), _SECOND)
_EXPOSURES: Final = {"total": "", "strike": "/strike", "expiry": "/expiry"}
Row = Mapping[str, Any]


@dataclass(frozen=True)
class _List:
    """A list of the server: which time its rows are sorted by, and the most rows of a page."""

    stamp: str
    most: int


_ALERTS, _TRADES = _List("created_at", 200), _List("executed_at", 500)


class WhaleFlow:
    """Alerts, trades in dark pools and greek exposure of some underlyings.

    Parameters
    ----------
    http, now
        The server, and this machine's clock; other ones in tests.
    """

    def __init__(
        self,
        own: WhaleFlowSettings,
        deployment: Deployment,
        *,
        http: VendorHttp | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._own = own
        self._settings = deployment.settings
        self._calendar = deployment.calendar
        self._given = http
        self._now = now

    def sessions(self) -> list[date]:
        """Those from `first_session` on that have closed, fifteen minutes ago."""
        calendar = self._calendar
        last = calendar.last_closed(self._now() - SETTLING)
        return calendar.sessions(max(self._own.first_session, calendar.first), last)

    def flow(self, session: date) -> pl.DataFrame:
        """As `FlowSource.flow`."""
        rows: list[dict[str, Any]] = []
        for symbol in sorted(set(self._own.symbols)):
            if "flow_alerts" in self._own.kinds:
                rows += alert_rows(self._alerts(symbol, session))
            if "dark_pool" in self._own.kinds:
                rows += dark_rows(self._trades(symbol, session))
            if "greek_exposure" in self._own.kinds:
                rows += self._exposures(symbol, session)
        made = pl.DataFrame([row | {"session": session} for row in rows], schema=dict(RAW_OPTION_FLOW_SCHEMA))
        return flow_order(known_in(made, self._calendar, session))

    def known_at(self, session: date) -> datetime:
        """The session's close: a row that was known later is the next session's."""
        return self._calendar.closes_at(session)

    def describe(self) -> str:
        """What is asked for."""
        own, days = self._own, self.sessions()
        span = f"{days[0]} to {days[-1]}" if days else "none that has closed"
        least = f", of {own.min_premium:,} US dollars or more" if own.min_premium else ""
        lines = [f"option flow: Unusual Whales, {', '.join(sorted(set(own.symbols)))}: {', '.join(own.kinds)}{least}", f"sessions: {span}"]
        if "dark_pool" in own.kinds:
            lines.append(
                f"dark pool: a trade that is reported more than {own.late_minutes} minutes after it was executed may be missing in the session of its report"
            )
        return "\n".join(lines)

    def _alerts(self, symbol: str, session: date) -> list[Row]:
        first, last = self._bounds(session)
        parameters = {"ticker_symbol": symbol, "min_premium": self._own.min_premium or None, "limit": _ALERTS.most}
        return self._all("/api/option-trades/flow-alerts", parameters, (first, last), _ALERTS)

    def _trades(self, symbol: str, session: date) -> list[Row]:
        """The trades that were executed in the session's span, and those shortly before that may have been reported in it: day by day, as the server has them."""
        first, last = self._bounds(session)
        since = first - timedelta(minutes=self._own.late_minutes)
        days = (
            sorted({self._day(since), *self._calendar.sessions(self._day(first), session)})
            if session != self._calendar.first
            else [session]
        )
        rows: list[Row] = []
        for day in days:
            if not self._calendar.is_session(day):
                continue
            parameters = {"date": day.isoformat(), "min_premium": self._own.min_premium or None, "limit": _TRADES.most}
            rows += self._all(f"/api/darkpool/{quote(symbol)}", parameters, (since, last), _TRADES)
        return rows

    def _exposures(self, symbol: str, session: date) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for by in self._own.exposure_by:
            parameters = {"date": session.isoformat(), "timeframe": "1D" if by == "total" else None}
            answer = self._get(f"/api/stock/{quote(symbol)}/greek-exposure{_EXPOSURES[by]}", parameters)
            made = exposure_rows(_rows(answer), symbol, session, self._calendar.closes_at(session))
            rows += [row for row in made if by != "total" or row["date"] == session]  # a time frame holds the days before, too
        return rows

    def _bounds(self, session: date) -> tuple[datetime, datetime]:
        before, close = flow_span(self._calendar, session)
        return before or self._calendar.opens_at(session), close

    def _day(self, at: datetime) -> date:
        return at.astimezone(self._calendar.timezone).date()

    def _all(self, path: str, parameters: Row, span: tuple[datetime, datetime], of: _List) -> list[Row]:
        """The rows of a list from one time to another, each once, newest first."""
        found: dict[str, Row] = {}
        until, newer = span[1] + _SECOND, span[0] - _SECOND
        for rows in self._pages(path, {**parameters, "newer_than": _millis(newer)}, until, of):
            found |= {json.dumps(row, sort_keys=True, default=str): row for row in rows}
        return list(found.values())

    def _pages(self, path: str, parameters: Row, until: datetime, of: _List) -> Iterator[list[Row]]:
        at: datetime | None = until
        rows = self._page(path, parameters, until)
        while at is not None:
            yield rows
            before = rows
            rows, at = self._older(path, parameters, (before, at), of) if before else ([], None)
            if at is not None:  # so many were given, though there were more
                of = replace(of, most=min(of.most, len(before)))
        yield rows

    def _older(self, path: str, parameters: Row, before: tuple[list[Row], datetime], of: _List) -> tuple[list[Row], datetime | None]:
        """The page after one, and until when it was asked for, None where nothing older is to come.

        The page has a row of the last time of the one before, which proves that nothing lies between them.
        """
        rows, oldest = [], min((at for row in before[0] if (at := _time_of(row, of.stamp)) is not None), default=None)
        for until in [] if oldest is None else [oldest + step for step in _STEPS if oldest + step < before[1]]:
            rows = self._page(path, parameters, until)
            times = {_time_of(row, of.stamp) for row in rows}
            most = min(of.most, len(before[0])) if any(row not in before[0] for row in rows) else of.most
            if oldest in times:
                return rows, until if len(times) > 1 or len(rows) >= most else None
        if len(before[0]) < of.most and not rows:
            return [], None
        raise VendorPagesError(
            f"unusual_whales: GET {path} has {of.most} rows or more of one instant ({oldest}), or none of it when asked for what is older, so that rows could be lost: set "
            "option_flow.source.min_premium, so that fewer are asked for"
        )

    def _page(self, path: str, parameters: Row, until: datetime) -> list[Row]:
        return _rows(self._get(path, {**parameters, "older_than": _millis(until)}))

    def _get(self, path: str, parameters: Row) -> Answer:
        try:
            return self._http.get(path, parameters, is_whole=_lacks)
        except VendorRefusedError as error:
            if error.status != 403:
                raise
            raise error.worded(
                f"unusual_whales: the plan of this token does not include GET {path}, or not so far back ({error.reason or 'refused'}): leave its kind out of "
                "option_flow.source.kinds, set option_flow.source.first_session later, or choose a plan that has it (unusualwhales.com/public-api)"
            ) from None

    @cached_property
    def _http(self) -> VendorHttp:
        keys = VendorKeys(VARIABLE, older=OLDER, why="Make one at unusualwhales.com/settings/api-dashboard")
        limits = VendorLimits.per_minute(PER_MINUTE)
        return self._given or open_vendor(self._settings, VENDOR, self._own.url, keys, limits)


def _rows(answer: Answer) -> list[Row]:
    body = answer.body
    rows = body.get("data") if isinstance(body, Mapping) else body
    if not isinstance(rows, list):
        raise TypeError
    return rows


def _lacks(answer: Answer) -> str | None:
    try:
        _rows(answer)
    except TypeError:
        return "the answer has not the documented form: no list `data`"
    return None


def _time_of(row: Row, stamp: str) -> datetime | None:
    made = (alert_rows if stamp == "created_at" else dark_rows)([{stamp: row.get(stamp)}] if isinstance(row, Mapping) else [])
    return made[0]["known_at"] if made else None


def _millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)
