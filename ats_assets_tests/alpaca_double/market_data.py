"""The data side: bars, trades, quotes, snapshots, option chains, corporate actions, with paging, feeds and limits as Alpaca documents them.

Results of several symbols come sorted by symbol, then by time; a page holds up to `limit` of them in all, so a symbol may go on on the next page.
"""

import base64
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from ats_assets_tests.alpaca_double.wire import NEW_YORK, Refusal, Request, Response, Route, instant, rfc3339

Row = dict[str, Any]
T = TypeVar("T")

FIRST = datetime(2000, 1, 1, tzinfo=UTC)
_SYMBOL = re.compile(r"[A-Z][A-Z0-9.\-/]{0,24}")
_TIMEFRAME = re.compile(r"\d{1,2}(Min|Hour|Day|Week|Month)")
FEEDS = {"stocks": ("iex", "sip", "otc", "boats", "overnight"), "options": ("opra", "indicative"), "crypto": ()}
LATEST_FEEDS = (*FEEDS["stocks"], "delayed_sip")
"""delayed_sip exists only where the newest value is asked for."""


class MarketData:
    """What there is, and how it is served. Fill it with `add`, `add_snapshot`, `add_chain` and `add_action`.

    Parameters
    ----------
    realtime_sip
        Whether the account pays for the newest 15 minutes of SIP.
    page_limit
        The most rows on a page, whatever is asked for; smaller than Alpaca's 10,000 in tests of paging.
    """

    name = "market_data"

    def __init__(self, *, realtime_sip: bool = False, page_limit: int = 10_000) -> None:
        self.realtime_sip = realtime_sip
        self.page_limit = page_limit
        self._series: dict[tuple[str, str, str, str], list[tuple[datetime, Row]]] = defaultdict(list)
        self._snapshots: dict[tuple[str, str], Row] = {}
        self._chains: dict[str, dict[str, Row]] = defaultdict(dict)
        self._actions: list[tuple[str, Row]] = []

    def add(self, market: str, kind: str, symbol: str, rows: Iterable[Mapping[str, Any]], *, feed: str = "") -> None:
        """More rows of a series.

        Parameters
        ----------
        market, kind
            stocks, crypto or options; bars/1Day, bars/1Min, trades or quotes.
        rows
            As on the wire (t, o, h, l, c, v, n, vw …); `t` may be a datetime.
        feed
            Of which feed they are; "" for any.
        """
        series = self._series[market, kind, symbol, feed]
        made = [dict(row) | {"t": rfc3339(row["t"]) if isinstance(row["t"], datetime) else row["t"]} for row in rows]
        series.extend((instant(row["t"]), row) for row in made)
        series.sort(key=lambda pair: pair[0])

    def clear(self, market: str, kind: str, symbol: str, *, feed: str = "") -> None:
        """Forget a series."""
        self._series.pop((market, kind, symbol, feed), None)

    def add_snapshot(self, market: str, symbol: str, snapshot: Row) -> None:
        """The snapshot of a symbol as on the wire: latestTrade, latestQuote, minuteBar, dailyBar, prevDailyBar."""
        self._snapshots[market, symbol] = snapshot

    def add_chain(self, underlying: str, contracts: Mapping[str, Row]) -> None:
        """Option contracts: OCC symbol -> latestTrade, latestQuote, impliedVolatility, greeks."""
        self._chains[underlying].update(contracts)

    def add_action(self, kind: str, action: Row) -> None:
        """A corporate action: `kind` as in the answer (forward_splits, cash_dividends …)."""
        self._actions.append((kind, action))

    def routes(self) -> list[Route]:
        """As in Alpaca's reference of the Market Data API."""
        crypto = r"/v1beta3/crypto/(?P<loc>us)"
        return [
            Route(method="GET", pattern=r"/v2/(?P<market>stocks)/(?P<kind>bars|trades|quotes)", handle=self._historical),
            Route(method="GET", pattern=crypto + r"/(?P<kind>bars|trades|quotes)", handle=self._historical, keyless=True),
            Route(method="GET", pattern=r"/v1beta1/(?P<market>options)/(?P<kind>bars|trades)", handle=self._historical),
            Route(method="GET", pattern=r"/v2/(?P<market>stocks)/snapshots", handle=self._stock_snapshots),
            Route(method="GET", pattern=crypto + r"/latest/bars", handle=self._latest_bars, keyless=True),
            Route(method="GET", pattern=crypto + r"/snapshots", handle=self._crypto_snapshots, keyless=True),
            Route(method="GET", pattern=r"/v1beta1/options/snapshots/(?P<underlying>[^/]+)", handle=self._chain),
            Route(method="GET", pattern=r"/v1/corporate-actions", handle=self._corporate_actions),
        ]

    def control(self, what: str, body: Any) -> Any:
        """Fill it from another process: add, add_snapshot, add_chain, add_action, clear with their arguments as an object."""
        if what not in ("add", "clear", "add_snapshot", "add_chain", "add_action"):
            raise KeyError(what)
        getattr(self, what)(**body)
        return "ok"

    def _historical(self, request: Request) -> Response:
        market, kind = request.parts.get("market", "crypto"), request.parts["kind"]
        symbols = _symbols(request)
        series = kind
        if kind == "bars":
            timeframe = request.query.get("timeframe", "")
            if not _TIMEFRAME.fullmatch(timeframe):
                raise Refusal(400, f"invalid timeframe: {timeframe}" if timeframe else "timeframe is required")
            series = f"bars/{timeframe}"
        feed = self._feed(request, market)
        start = instant(request.query["start"]) if "start" in request.query else _today(request.now)
        end = instant(request.query["end"], end=True) if "end" in request.query else request.now
        if market == "stocks" and feed == "sip" and not self.realtime_sip and end > request.now - timedelta(minutes=15):
            raise Refusal(403, "subscription does not permit querying recent SIP data")
        if start > end:
            raise Refusal(400, "end should not be before start")
        found = [(symbol, row) for symbol in symbols for row in self._between(market, series, symbol, feed, start, min(end, request.now))]
        page, token = self._page(request, found)
        grouped: dict[str, list[Row]] = {}
        for symbol, row in page:
            grouped.setdefault(symbol, []).append(row)
        return Response(body={kind: grouped, "next_page_token": token})

    def _between(self, market: str, kind: str, symbol: str, feed: str, start: datetime, end: datetime) -> Iterable[Row]:
        series = sorted(
            [*self._series.get((market, kind, symbol, ""), []), *(self._series.get((market, kind, symbol, feed), []) if feed else [])],
            key=lambda pair: pair[0],
        )
        times = [at for at, _ in series]
        return (row for _, row in series[bisect_left(times, start) : bisect_right(times, end)])

    def _feed(self, request: Request, market: str, feeds: Sequence[str] | None = None) -> str:
        allowed = FEEDS[market] if feeds is None else feeds
        feed = request.query.get("feed", {"stocks": "sip" if self.realtime_sip else "iex", "options": "indicative", "crypto": ""}[market])
        if feed and feed not in allowed:
            raise Refusal(400, f"invalid feed: {feed}")
        return feed

    def _page(self, request: Request, found: Sequence[T], *, default: int = 1000, most: int = 10_000) -> tuple[Sequence[T], str | None]:
        try:
            limit = int(request.query.get("limit", default))
        except ValueError:
            limit = 0
        if not 1 <= limit <= most:
            raise Refusal(400, f"invalid limit: must be between 1 and {most}")
        first = _position(request.query.get("page_token", ""))
        after = first + min(limit, self.page_limit)
        return found[first:after], _token(after) if after < len(found) else None

    def _stock_snapshots(self, request: Request) -> Response:
        self._feed(request, "stocks", LATEST_FEEDS)
        return Response(body=self._snapshots_of("stocks", _symbols(request)))

    def _crypto_snapshots(self, request: Request) -> Response:
        return Response(body={"snapshots": self._snapshots_of("crypto", _symbols(request))})

    def _latest_bars(self, request: Request) -> Response:
        found = {symbol: [*self._between("crypto", "bars/1Min", symbol, "", FIRST, request.now)][-1:] for symbol in _symbols(request)}
        return Response(body={"bars": {symbol: rows[0] for symbol, rows in found.items() if rows}})

    def _snapshots_of(self, market: str, symbols: Sequence[str]) -> dict[str, Row]:
        return {symbol: self._snapshots[market, symbol] for symbol in symbols if (market, symbol) in self._snapshots}

    def _chain(self, request: Request) -> Response:
        self._feed(request, "options")
        contracts = sorted(self._chains.get(request.parts["underlying"], {}).items())
        page, token = self._page(request, contracts, default=100, most=1000)
        return Response(body={"snapshots": dict(page), "next_page_token": token})

    def _corporate_actions(self, request: Request) -> Response:
        query = request.query
        today = request.now.astimezone(NEW_YORK).date().isoformat()
        first, last = query.get("start", today), query.get("end", today)
        symbols = set(query["symbols"].split(",")) if "symbols" in query else None
        kinds = {f"{name}s" for name in query["types"].split(",")} if "types" in query else None
        chosen = [
            (kind, action)
            for kind, action in sorted(self._actions, key=lambda pair: (_process_date(pair[1]), pair[1]["id"]))
            if first <= _process_date(action) <= last
            and (kinds is None or kind in kinds)
            and (symbols is None or symbols & {value for key, value in action.items() if key.endswith("symbol")})
        ]
        page, token = self._page(request, chosen, default=100, most=1000)
        grouped: dict[str, list[Row]] = {}
        for kind, action in page:
            grouped.setdefault(kind, []).append(action)
        return Response(body={"corporate_actions": grouped, "next_page_token": token})


def _symbols(request: Request) -> list[str]:
    text = request.query.get("symbols", "")
    if not text:
        raise Refusal(400, "symbols is required")
    symbols = sorted(set(text.split(",")))
    for symbol in symbols:
        if not _SYMBOL.fullmatch(symbol):
            raise Refusal(400, f"invalid symbol: {symbol}")
    return symbols


def _process_date(action: Row) -> str:
    """By which Alpaca selects: of a cash dividend the day on which it is paid."""
    return str(action["process_date"])


def _today(now: datetime) -> datetime:
    return now.astimezone(NEW_YORK).replace(hour=0, minute=0, second=0, microsecond=0)


def _token(position: int) -> str:
    return base64.b64encode(f"double|{position}".encode()).decode()


def _position(token: str) -> int:
    if not token:
        return 0
    try:
        return int(base64.b64decode(token, validate=True).decode().removeprefix("double|"))
    except ValueError:
        raise Refusal(400, "invalid page_token") from None
