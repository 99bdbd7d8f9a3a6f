"""A local stand-in for Unusual Whales, written from its OpenAPI document.

The document (https://api.unusualwhales.com/api/openapi) as of 2025-10-22, kept in DigiBugCat/unusual-whales-api-docs, `openapi-spec.yaml`; and its operations as of 2026-08-14 (`order`, `order_by`,
`trf_executed_at`, `call_gex`). What matters to a client:

- Lists come newest first, under `data`. `limit` is at most 200 for alerts and 500 for a ticker's trades in dark pools; a larger one is refused with 422.
- `newer_than`, `older_than`: "the unix time in milliseconds or seconds at which no older (newer) results will be returned". Whether a row of that very time is, and how finely they
  are compared, is not said: `inclusive` and `by_second` say it here.
- A ticker's trades are those of `date`, a day of New York. Exposure of all contracts is a series that ends at `date`; of strikes and expiries it is of that date.
- Numbers of money are texts, counts are numbers. Times are of UTC, with a blank or a T.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ats_assets_tests.vendors.doubles import Asked, Told, VendorDouble

WHALE_KEY = "whalesTESTtoken0123456789"
NEW_YORK = ZoneInfo("America/New_York")
Row = dict[str, Any]


@dataclass
class WhaleData:
    """What the vendor knows: alerts and trades in any order, exposures by ticker, by `total`, `strike` or `expiry`, and date."""

    alerts: list[Row] = field(default_factory=list)
    trades: list[Row] = field(default_factory=list)
    exposures: dict[tuple[str, str, date], list[Row]] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    inclusive: bool = True
    by_second: bool = False
    """Whether times are compared by whole seconds alone."""
    fewer: int | None = None
    """The most rows of a page, whatever its limit says."""

    def answer(self, asked: Asked) -> Told:
        """To one request."""
        if any(asked.path.startswith(begin) for begin in self.without):
            return Told({"error": "Your plan does not include this endpoint", "code": "forbidden"}, 403)
        if asked.path == "/api/option-trades/flow-alerts":
            wanted = asked.query.get("ticker_symbol", "").split(",")
            rows = [row for row in self.alerts if row["ticker"] in wanted]
            return self._listed(
                asked,
                rows,
                "created_at",
                "total_premium",
                most=200,
                names={"ticker_symbol", "min_premium", "newer_than", "older_than", "limit"},
            )
        if found := re.fullmatch(r"/api/darkpool/([^/]+)", asked.path):
            day = date.fromisoformat(asked.query["date"])
            rows = [
                row for row in self.trades if row["ticker"] == found[1] and at_of(row["executed_at"]).astimezone(NEW_YORK).date() == day
            ]
            names = {"date", "min_premium", "newer_than", "older_than", "limit", "order", "order_by"}
            return self._listed(asked, rows, "executed_at", "premium", most=500, names=names)
        if found := re.fullmatch(r"/api/stock/([^/]+)/greek-exposure(?:/(strike|expiry))?", asked.path):
            return self._exposed(asked, found[1], found[2] or "total")
        return Told({"msg": "Not found", "path": asked.path}, 404)

    def _listed(self, asked: Asked, rows: Sequence[Row], stamp: str, money: str, *, most: int, names: set[str]) -> Told:
        limit = int(asked.query.get("limit", 100))
        if strangers := set(asked.query) - names or not 1 <= limit <= most:
            return Told({"msg": f"Invalid query input(s): {strangers}", "path": asked.path, "query": "", "url": ""}, 422)
        newer, older = (self._time_of(asked.query.get(name)) for name in ("newer_than", "older_than"))
        found = [row for row in rows if float(row[money]) >= float(asked.query.get("min_premium", 0))]
        edge = timedelta(0) if self.inclusive else timedelta(microseconds=1)
        found = [row for row in found if newer is None or at_of(row[stamp]) >= newer + edge]
        found = [row for row in found if older is None or at_of(row[stamp]) <= older - edge]
        found.sort(key=lambda row: at_of(row[stamp]), reverse=True)
        return Told({"data": found[: min(limit, self.fewer or limit)]})

    def _time_of(self, text: str | None) -> datetime | None:
        if text is None:
            return None
        seconds = float(text) / (1000 if float(text) > 10**11 else 1)
        return datetime.fromtimestamp(int(seconds) if self.by_second else seconds, UTC)

    def _exposed(self, asked: Asked, ticker: str, by: str) -> Told:
        day = date.fromisoformat(asked.query["date"])
        if by != "total":
            return Told({"data": self.exposures.get((ticker, by, day), [])})
        days = sorted((one for name, kind, one in self.exposures if (name, kind) == (ticker, by) and one <= day), reverse=True)
        return Told({"data": [row for one in days for row in self.exposures[ticker, by, one]]})


def at_of(text: str) -> datetime:
    """A time as the vendor writes it."""
    return datetime.fromisoformat(text).astimezone(UTC)


@contextmanager
def whale_double(data: WhaleData) -> Iterator[VendorDouble]:
    """The API over some data."""
    with VendorDouble(data.answer, keys={WHALE_KEY}) as double:
        yield double


def alert(at: str, n: int, **more: Any) -> Row:
    """The n-th alert, as in the document's example."""
    made = {
        "alert_rule": "RepeatedHits",
        "all_opening_trades": False,
        "created_at": at,
        "expiry": "2024-04-19",
        "expiry_count": 1,
        "has_floor": False,
    }
    made |= {
        "has_multileg": False,
        "has_singleleg": True,
        "has_sweep": True,
        "id": f"alert-{n}",
        "open_interest": 7913,
        "option_chain": "AAPL240419C00175000",
    }
    made |= {
        "price": "4.05",
        "strike": "175",
        "ticker": "AAPL",
        "total_ask_side_prem": "151875",
        "total_bid_side_prem": "405",
        "total_premium": "186705",
    }
    return (
        made
        | {"total_size": 461 + n, "trade_count": 32, "type": "call", "underlying_price": "172.99", "volume": 2442, "volume_oi_ratio": "0.3"}
        | more
    )


def dark_trade(at: str, n: int, **more: Any) -> Row:
    """The n-th trade in a dark pool, likewise."""
    size = 6400 + n
    made = {
        "canceled": False,
        "executed_at": at,
        "ext_hour_sold_codes": None,
        "market_center": "L",
        "nbbo_ask": "19",
        "nbbo_ask_quantity": 6600,
    }
    made |= {
        "nbbo_bid": "18.99",
        "nbbo_bid_quantity": 29100,
        "premium": f"{18.995 * size:.2f}",
        "price": "18.995",
        "sale_cond_codes": None,
        "size": size,
    }
    return (
        made
        | {
            "ticker": "AAPL",
            "tracking_id": 71984388012245 + n,
            "trade_code": None,
            "trade_settlement": "regular_settlement",
            "volume": 9946819,
        }
        | more
    )


def exposure(day: date, n: int, **more: Any) -> Row:
    """The n-th exposure of all contracts of a day, likewise."""
    made: Row = {"date": day.isoformat()}
    for i, greek in enumerate(("delta", "gamma", "vanna", "charm")):
        made |= {f"call_{greek}": f"{1000.5 * (i + 1) + n}", f"put_{greek}": f"{-900.25 * (i + 1) - n}"}
    return made | more
