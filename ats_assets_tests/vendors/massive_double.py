"""A local stand-in for Massive: its REST API in the documented wire format, and the bucket of its flat files.

Written from the OpenAPI document in `.massive/rest.json` of massive-com/client-python (commit 481e5c2, 2026-07-09), massive.com/docs/rest/stocks/corporate-actions (splits.md, dividends.md,
read 2026-11), of earnings from `src/openapi.json` of massive-com/client-js (commit ac59b97, 2026-04-27), and the client itself. What matters to a client:

- `adjusted` is true unless it is said otherwise: then prices are divided by later splits, as no raw bar may be.
- Days of aggregates are days of New York, both ends included; ticks are selected by their SIP time, at the ends as the filter says; ticks come newest first unless asked otherwise.
- Splits and dividends know no `order`, and sort by what `sort` says; the default order differs between the two.
- A page has at most the documented number of rows; a larger `limit` is refused. `next_url` names api.massive.com, whatever the server is called, and carries all that was asked.
- Where there are no rows there is no `results`. Parameters that are not documented are refused, which the real server ignores.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ats_assets_tests.vendors.doubles import Asked, Told, VendorDouble

KEY = "massiveTESTkey0123456789"
S3_KEY_ID, S3_SECRET_KEY = "0f3a-s3-key-id", "s3SECRETs3SECRETs3SECRET"
NEW_YORK = ZoneInfo("America/New_York")
Row = dict[str, Any]
_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "": lambda a, b: a == b,
    ".gte": lambda a, b: a >= b,
    ".gt": lambda a, b: a > b,
    ".lte": lambda a, b: a <= b,
    ".lt": lambda a, b: a < b,
}
PRICED = ("o", "h", "l", "c", "vw")


class RefusedError(Exception):
    """An answer that is none of the rows."""

    def __init__(self, status: int, body: Row) -> None:
        super().__init__(status)
        self.told = Told(body, status)


@dataclass
class MassiveData:
    """What the vendor knows.

    Attributes
    ----------
    bars, minutes
        Ticker -> day, or milliseconds of the minute's beginning -> o, h, l, c, v, vw, n.
    contracts
        Rows of the contracts, each with `_listed`, the day from which it was.
    without
        Beginnings of paths that the plan does not include.
    now
        The vendor's clock; bars of its day are not delivered with an end-of-day plan.
    page_rows
        A page has no more rows, whatever `limit` says.
    """

    bars: dict[str, dict[date, Row]] = field(default_factory=dict)
    minutes: dict[str, dict[int, Row]] = field(default_factory=dict)
    trades: dict[str, list[Row]] = field(default_factory=dict)
    quotes: dict[str, list[Row]] = field(default_factory=dict)
    splits: list[Row] = field(default_factory=list)
    dividends: list[Row] = field(default_factory=list)
    earnings: list[Row] = field(default_factory=list)
    events: dict[str, Row] = field(default_factory=dict)
    tickers: list[Row] = field(default_factory=list)
    contracts: list[Row] = field(default_factory=list)
    snapshots: dict[str, list[Row]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    status: str = "OK"
    now: datetime = datetime(2100, 1, 1, tzinfo=UTC)
    page_rows: int = 1 << 30

    def answer(self, asked: Asked) -> Told:
        """To one request."""
        if any(asked.path.startswith(begin) for begin in self.without):
            told = "You are not entitled to this data. Please upgrade your plan at https://massive.com/pricing"
            return Told({"status": "NOT_AUTHORIZED", "request_id": "1", "message": told}, 403)
        query = dict(asked.query)
        cursor = json.loads(base64.urlsafe_b64decode(query.pop("cursor"))) if "cursor" in query else {"offset": 0, "query": query}
        if "cursor" in asked.query and query:
            return Told({"status": "ERROR", "error": f"parameters beside a cursor: {query}"}, 400)
        for pattern, route in _ROUTES.items():
            if found := re.fullmatch(pattern, asked.path):
                try:
                    return Told(route(self, found.groups(), cursor["query"], cursor["offset"], asked.path))
                except RefusedError as error:
                    return error.told
        return Told({"status": "NOT_FOUND", "message": "404 page not found"}, 404)

    def page(self, rows: Sequence[Row], query: Mapping[str, str], offset: int, path: str, *, default: int, most: int) -> Row:
        """One page of some rows, and where the next one is."""
        limit = int(query.get("limit", default))
        if not 1 <= limit <= most:
            raise RefusedError(400, {"status": "ERROR", "error": f"limit: {limit} is not between 1 and {most}"})
        size = min(limit, self.page_rows)
        some = rows[offset : offset + size]
        body: Row = {"request_id": f"r{offset}", "status": self.status}
        if some:
            body["results"] = list(some)
        if offset + size < len(rows):
            cursor = base64.urlsafe_b64encode(json.dumps({"offset": offset + size, "query": dict(query)}).encode()).decode()
            body["next_url"] = f"https://api.massive.com{path}?cursor={cursor}"
        return body

    def ratio_after(self, ticker: str, day: date) -> float:
        """By how much later splits divide a price of a day."""
        ratio = 1.0
        for split in self.splits:
            if split["ticker"] == ticker and date.fromisoformat(split["execution_date"]) > day:
                ratio *= split["split_to"] / split["split_from"]
        return ratio

    def shown(self, ticker: str, day: date, bar: Row, query: Mapping[str, str]) -> Row:
        """A bar, adjusted unless the question says false."""
        ratio = 1.0 if query.get("adjusted") == "false" else self.ratio_after(ticker, day)
        if ratio == 1.0:
            return dict(bar)
        return {name: value / ratio if name in PRICED else value * ratio if name == "v" else value for name, value in bar.items()}


def _known(query: Mapping[str, str], *names: str) -> None:
    if strangers := set(query) - set(names):
        raise RefusedError(400, {"status": "ERROR", "error": f"parameters that are not documented: {sorted(strangers)}"})


def _chosen(rows: Sequence[Row], query: Mapping[str, str], *fields: str) -> list[Row]:
    """The rows that satisfy every filter of the fields."""
    found = list(rows)
    for name in fields:
        for ending, holds in _COMPARED.items():
            if (value := query.get(name + ending)) is not None:
                found = [row for row in found if holds(str(row[name]), value)]
        if (several := query.get(f"{name}.any_of")) is not None:
            found = [row for row in found if str(row[name]) in several.split(",")]
    return found


def _filters(*fields: str) -> list[str]:
    return [f"{name}{ending}" for name in fields for ending in (*_COMPARED, ".any_of")]


def _millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _grouped(data: MassiveData, parts: Sequence[str], query: Row, _offset: int, _path: str) -> Row:
    _known(query, "adjusted", "include_otc", "locale", "market_type")  # the last two are sent by Massive's own client
    day = date.fromisoformat(parts[0])
    if day >= data.now.astimezone(NEW_YORK).date():
        told = "Attempted to request today's data before end of day. Please upgrade your plan at https://massive.com/pricing"
        raise RefusedError(403, {"status": "NOT_AUTHORIZED", "request_id": "1", "message": told})
    close = _millis(datetime.combine(day, time(16), NEW_YORK))
    found = [{"T": ticker, "t": close, **data.shown(ticker, day, bars[day], query)} for ticker, bars in data.bars.items() if day in bars]
    rows = [row for row in found if not row.get("otc") or query.get("include_otc") == "true"]
    body: Row = {"adjusted": query.get("adjusted") != "false", "queryCount": len(rows), "resultsCount": len(rows), "status": data.status}
    return body | ({"results": rows} if rows else {})


def _aggregates(data: MassiveData, parts: Sequence[str], query: Row, offset: int, path: str) -> Row:
    _known(query, "adjusted", "sort", "limit")
    ticker, multiplier, span, *ends = parts
    first, last = (_end_of(text, span, is_last=k == 1) for k, text in enumerate(ends))
    if (multiplier, span) == ("1", "day"):
        bars = {_millis(datetime.combine(day, time(), NEW_YORK)): (day, bar) for day, bar in data.bars.get(ticker, {}).items()}
    elif (multiplier, span) == ("1", "minute"):
        bars = {at: (datetime.fromtimestamp(at / 1000, NEW_YORK).date(), bar) for at, bar in data.minutes.get(ticker, {}).items()}
    else:
        raise RefusedError(400, {"status": "ERROR", "error": "not in this double"})
    chosen = sorted((at for at in bars if first <= at <= last), reverse=query.get("sort") == "desc")
    rows = [{"t": at, **data.shown(ticker, *bars[at], query)} for at in chosen]
    body = data.page(rows, query, offset, path, default=5_000, most=50_000)
    n = len(body.get("results", ()))
    return {"ticker": ticker, "adjusted": query.get("adjusted") != "false", "queryCount": n, "resultsCount": n, **body}


def _end_of(text: str, span: str, *, is_last: bool) -> int:
    """An end of a range in milliseconds: a day of New York as a whole, or a time widened to its bar."""
    if "-" in text:
        day = date.fromisoformat(text) + timedelta(days=is_last)
        return _millis(datetime.combine(day, time(), NEW_YORK)) - is_last
    return int(text) // 60_000 * 60_000 if span == "minute" else int(text)


def _ticks(data: MassiveData, parts: Sequence[str], query: Row, offset: int, path: str) -> Row:
    _known(query, *(f"timestamp{ending}" for ending in _COMPARED), "order", "limit", "sort")
    what, ticker = parts
    rows = list(getattr(data, what).get(ticker, ()))
    for ending, holds in _COMPARED.items():
        if (value := query.get(f"timestamp{ending}")) is not None:
            rows = [row for row in rows if holds(row["sip_timestamp"], int(value))]
    rows.sort(key=lambda row: row["sip_timestamp"], reverse=query.get("order", "desc") == "desc")
    return data.page(rows, query, offset, path, default=1_000, most=50_000)


def _actions(data: MassiveData, parts: Sequence[str], query: Row, offset: int, path: str) -> Row:
    day, kind, default = (
        ("execution_date", "adjustment_type", "execution_date.desc")
        if parts[0] == "splits"
        else ("ex_dividend_date", "distribution_type", "ticker.asc")
    )
    _known(query, *_filters("ticker", day, kind), "frequency", "limit", "sort")
    rows = _chosen(getattr(data, parts[0]), query, "ticker", day, kind)
    for column in reversed(query.get("sort", default).split(",")):
        name, _, order = column.partition(".")
        rows.sort(key=lambda row, name=name: str(row[name]), reverse=order == "desc")
    return data.page(rows, query, offset, path, default=100, most=5_000)


def _earnings(data: MassiveData, _parts: Sequence[str], query: Row, offset: int, path: str) -> Row:
    """Sorted by `last_updated`, newest first, unless asked otherwise; a field that a record does not have is left out of it."""
    named = ("date", "ticker", "importance", "last_updated", "date_status", "fiscal_year", "fiscal_period")
    _known(query, *_filters(*named), "limit", "sort")
    rows = _chosen(data.earnings, query, "date", "ticker", "date_status")
    for column in reversed(query.get("sort", "last_updated.desc").split(",")):
        name, _, order = column.partition(".")
        rows.sort(key=lambda row, name=name: str(row[name]), reverse=order == "desc")
    return data.page(rows, query, offset, path, default=100, most=50_000)


def _events(data: MassiveData, parts: Sequence[str], query: Row, _offset: int, _path: str) -> Row:
    _known(query, "types")
    if parts[0] not in data.events:
        raise RefusedError(404, {"status": "NOT_FOUND", "request_id": "1", "message": "Ticker not found."})
    return {"request_id": "1", "status": "OK", "results": data.events[parts[0]]}


def _tickers(data: MassiveData, _parts: Sequence[str], query: Row, offset: int, path: str) -> Row:
    _known(query, "ticker", "type", "market", "exchange", "date", "active", "sort", "order", "limit")
    wanted = query.get("active", "true") == "true"
    found = [row for row in data.tickers if row["active"] == wanted and query.get("market", row["market"]) == row["market"]]
    rows = sorted(_chosen(found, query, "ticker"), key=lambda row: row["ticker"], reverse=query.get("order") == "desc")
    return {"count": len(rows), **data.page(rows, query, offset, path, default=100, most=1_000)}


def _contracts(data: MassiveData, _parts: Sequence[str], query: Row, offset: int, path: str) -> Row:
    _known(
        query,
        *_filters("underlying_ticker", "expiration_date", "strike_price"),
        "contract_type",
        "as_of",
        "expired",
        "sort",
        "order",
        "limit",
    )
    as_of = query.get("as_of", str(data.now.astimezone(NEW_YORK).date()))
    expired = query.get("expired", "false") == "true"
    there = [row for row in data.contracts if row["_listed"] <= as_of and (row["expiration_date"] < as_of) == expired]
    rows = sorted(_chosen(there, query, "underlying_ticker"), key=lambda row: row["ticker"], reverse=query.get("order") == "desc")
    told = [{name: value for name, value in row.items() if name != "_listed"} for row in rows]
    return data.page(told, query, offset, path, default=10, most=1_000)


def _snapshot(data: MassiveData, parts: Sequence[str], query: Row, offset: int, path: str) -> Row:
    _known(query, *_filters("strike_price", "expiration_date"), "contract_type", "sort", "order", "limit")
    rows = sorted(data.snapshots.get(parts[0], ()), key=lambda row: row["details"]["ticker"], reverse=query.get("order") == "desc")
    return data.page(rows, query, offset, path, default=10, most=250)


_ROUTES: Mapping[str, Callable[..., Row]] = {
    r"/v2/aggs/grouped/locale/us/market/stocks/([\d-]+)": _grouped,
    r"/v2/aggs/ticker/([^/]+)/range/(\d+)/(\w+)/([\d-]+)/([\d-]+)": _aggregates,
    r"/v3/(trades|quotes)/([^/]+)": _ticks,
    r"/stocks/v1/(splits|dividends)": _actions,
    r"/benzinga/v1/earnings": _earnings,
    r"/vX/reference/tickers/([^/]+)/events": _events,
    r"/v3/reference/tickers": _tickers,
    r"/v3/reference/options/contracts": _contracts,
    r"/v3/snapshot/options/([^/]+)": _snapshot,
}


@contextmanager
def massive_double(data: MassiveData) -> Iterator[VendorDouble]:
    """The REST API over some data."""
    with VendorDouble(data.answer, keys={KEY}) as double:
        yield double


@contextmanager
def bucket_double(files: Mapping[str, bytes], now: datetime | None = None) -> Iterator[VendorDouble]:
    """The bucket `flatfiles`, by its keys; a request whose signature is not right is refused as S3 does."""

    def answer(asked: Asked) -> Told:
        if not _is_signed(asked, double.url):
            return Told(b"<Error><Code>SignatureDoesNotMatch</Code></Error>", 403)
        content = files.get(asked.path.removeprefix("/flatfiles/"))
        if content is None:
            return Told(b"<Error><Code>NoSuchKey</Code></Error>", 404)
        version = f'"{hashlib.md5(content).hexdigest()}"'
        if asked.headers.get("if-match", version) != version:
            return Told(b"<Error><Code>PreconditionFailed</Code></Error>", 412)
        told = re.fullmatch(r"bytes=(\d+)-(\d+)", asked.headers.get("range", ""))
        if not told:
            return Told(content, 200, {"ETag": version})
        first, last = int(told[1]), min(int(told[2]), len(content) - 1)
        return Told(content[first : last + 1], 206, {"ETag": version, "Content-Range": f"bytes {first}-{last}/{len(content)}"})

    with VendorDouble(answer) as double:
        yield double


def _is_signed(asked: Asked, url: str) -> bool:
    """Whether the signature is that of the secret key: the check of a server, written from AWS's description and not from the client."""
    found = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})", asked.headers.get("authorization", "")
    )
    if not found:
        return False
    key_id, day, region, service, end = found[1].split("/")
    covered = found[2].split(";")
    if key_id != S3_KEY_ID or end != "aws4_request" or not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(covered):
        return False
    if "range" in asked.headers and "range" not in covered:
        return False
    headers = asked.headers | {"host": url.removeprefix("http://")}
    lines = [f"{name}:{headers[name].strip()}" for name in covered]
    canonical = "\n".join(["GET", asked.path, "", *lines, "", ";".join(covered), headers["x-amz-content-sha256"]])
    text = "\n".join(
        [
            "AWS4-HMAC-SHA256",
            headers["x-amz-date"],
            f"{day}/{region}/{service}/aws4_request",
            hashlib.sha256(canonical.encode()).hexdigest(),
        ]
    )
    secret = ("AWS4" + S3_SECRET_KEY).encode()
    for part in (day, region, service, "aws4_request", text):
        secret = hmac.new(secret, part.encode(), hashlib.sha256).digest()
    return secret.hex() == found[3]
