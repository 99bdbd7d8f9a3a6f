"""Massive's REST API: each listing page by page, whole or not at all.

An answer says `status` OK, or DELAYED on a plan with delayed data, and its rows are in `results`, which is left out where there are none. Aggregates say in `resultsCount` how
many rows a page has, and of which ticker; one with others is asked for again. `next_url` leads to the next page at whatever name Massive has at the time: only its path and query are followed.
A key whose plan lacks an endpoint, or the newest data of it, is answered 403 with NOT_AUTHORIZED.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, Final, Literal
from urllib.parse import quote, urlsplit

from ats_assets.vendors.answer import Answer
from ats_assets.vendors.errors import VendorRefusedError
from ats_assets.vendors.http import VendorHttp

Row = Mapping[str, Any]
HOSTS: Final = frozenset({"api.massive.com", "api.polygon.io"})
"""Both are Massive's."""
MOST_AGGREGATES: Final = 50_000
MOST_TICKS: Final = 50_000
MOST_ACTIONS: Final = 5_000
MOST_REFERENCE: Final = 1_000
MOST_SNAPSHOTS: Final = 250
"""Rows of a page, as documented for each endpoint."""
TICKERS_AT_ONCE: Final = 200
"""In one filter `ticker.any_of`: their names fit in a URL."""
_FINE: Final = frozenset({"OK", "DELAYED"})
_PRICING: Final = "massive.com/pricing"


class MassivePlanError(VendorRefusedError):
    """The plan of the key does not include what was asked for (403)."""


class MassiveRest:
    """Asks Massive's REST API.

    Parameters
    ----------
    http
        Of the vendor `massive`.
    """

    def __init__(self, http: VendorHttp) -> None:
        self._http = http

    def grouped_daily(self, day: date, *, include_otc: bool, ttl_seconds: float | None = None) -> list[Row]:
        """The daily bars of all stocks of a day, as traded: `T`, `o`, `h`, `l`, `c`, `v`, `vw`, `t`, `n`, `otc`. Empty on a day without trading.

        Parameters
        ----------
        ttl_seconds
            An answer that is younger, and has rows, may be taken from the cache.
        """
        path = f"/v2/aggs/grouped/locale/us/market/stocks/{day}"
        return _rows(self._get(path, {"adjusted": False, "include_otc": True if include_otc else None}, ttl_seconds))

    def aggregates(self, ticker: str, span: Literal["day", "minute"], first: str, last: str) -> list[Row]:
        """The bars of one ticker, as traded, ascending: as `grouped_daily`, without `T`.

        Parameters
        ----------
        first, last
            Both included: days as YYYY-MM-DD, or milliseconds since 1970; both are widened to whole bars.
        """
        path = f"/v2/aggs/ticker/{_segment(ticker)}/range/1/{span}/{first}/{last}"
        rows = partial(_rows_of, ticker=ticker)
        return [row for page in self._pages(path, {"adjusted": False, "sort": "asc", "limit": MOST_AGGREGATES}, rows) for row in page]

    def ticks(self, what: Literal["trades", "quotes"], ticker: str, first: int, end: int) -> Iterator[list[Row]]:
        """The trades or quotes of one ticker, page by page, ascending by the time at which the SIP had them.

        Parameters
        ----------
        first, end
            Nanoseconds since 1970; `end` is not included.
        """
        parameters = {"timestamp.gte": str(first), "timestamp.lt": str(end), "order": "asc", "sort": "timestamp", "limit": MOST_TICKS}
        yield from self._pages(f"/v3/{what}/{_segment(ticker)}", parameters)

    def splits(self, first: date, last: date, tickers: Sequence[str] | None) -> list[Row]:
        """The splits and stock dividends that take effect from `first` to `last`, both included, of some tickers or of all."""
        return self._actions("/stocks/v1/splits", "execution_date", first, last, tickers)

    def dividends(self, first: date, last: date, tickers: Sequence[str] | None) -> list[Row]:
        """The cash dividends whose ex-date is from `first` to `last`, likewise."""
        return self._actions("/stocks/v1/dividends", "ex_dividend_date", first, last, tickers)

    def earnings(self, first: date, last: date, tickers: Sequence[str] | None) -> list[Row]:
        """Benzinga's records of earnings whose day is from `first` to `last`, likewise: `ticker`, `date`, `time`, `date_status`, `benzinga_id`, `last_updated` and figures."""
        return self._actions("/benzinga/v1/earnings", "date", first, last, tickers)

    def ticker_changes(self, ticker: str) -> list[Row]:
        """The names of whoever has a ticker now, each with the day from which it had it: `date`, `type`, `ticker_change`. Empty where nobody has it."""
        try:
            answer = self._get(f"/vX/reference/tickers/{_segment(ticker)}/events", {"types": "ticker_change"})
        except VendorRefusedError as error:
            if error.status == 404:
                return []
            raise
        return list(answer.body["results"].get("events") or ())

    def tickers(self, *, active: bool, ticker: str | None = None) -> list[Row]:
        """The stocks that are traded now, or those that are not any more; of one ticker where one is named."""
        parameters = {"market": "stocks", "active": active, "ticker": ticker, "sort": "ticker", "order": "asc", "limit": MOST_REFERENCE}
        return self._all("/v3/reference/tickers", parameters)

    def option_contracts(self, underlying: str, as_of: date) -> list[Row]:
        """The contracts on an underlying that were listed on a day and had not expired before it."""
        parameters = {
            "underlying_ticker": underlying,
            "as_of": as_of.isoformat(),
            "expired": False,
            "sort": "ticker",
            "order": "asc",
            "limit": MOST_REFERENCE,
        }
        return self._all("/v3/reference/options/contracts", parameters)

    def option_snapshot(self, underlying: str) -> list[Row]:
        """All contracts on an underlying as they are now: details, the day's bar, last quote and trade, open interest, volatility and greeks."""
        return self._all(f"/v3/snapshot/options/{_segment(underlying)}", {"sort": "ticker", "order": "asc", "limit": MOST_SNAPSHOTS})

    def _actions(self, path: str, day: str, first: date, last: date, tickers: Sequence[str] | None) -> list[Row]:
        names = sorted(tickers or ())
        batches = [names[i : i + TICKERS_AT_ONCE] for i in range(0, len(names), TICKERS_AT_ONCE)] if tickers is not None else [None]
        rows: list[Row] = []
        for batch in batches:
            parameters = {f"{day}.gte": first.isoformat(), f"{day}.lte": last.isoformat(), "ticker.any_of": batch}
            rows += self._all(path, {**parameters, "sort": f"{day}.asc,ticker.asc", "limit": MOST_ACTIONS})
        return rows

    def _all(self, path: str, parameters: Mapping[str, Any]) -> list[Row]:
        return [row for page in self._pages(path, parameters) for row in page]

    def _pages(self, path: str, parameters: Mapping[str, Any], rows: Callable[[Answer], list[Row]] | None = None) -> Iterator[list[Row]]:
        try:
            for answer in self._http.pages(path, parameters, _next_page, rows=rows or _rows, said_rows=_said_rows):
                yield _rows(answer)
        except VendorRefusedError as error:
            raise _of_plan(error, path) from None

    def _get(self, path: str, parameters: Mapping[str, Any], ttl_seconds: float | None = None) -> Answer:
        try:
            return self._http.get(path, parameters, ttl_seconds=ttl_seconds, is_whole=_lacks, is_kept=_has_rows)
        except VendorRefusedError as error:
            raise _of_plan(error, path) from None


def _segment(ticker: str) -> str:
    """A ticker in a path: BRK.B and O:AAPL240621C00170000 as they are."""
    return quote(ticker, safe=":.")


def _rows(answer: Answer) -> list[Row]:
    body = answer.body
    if not isinstance(body, Mapping) or body.get("status", "OK") not in _FINE:
        raise ValueError(_told(body))
    rows = body.get("results")
    if rows is None and "status" not in body:  # nothing says that there are none: an error with status 200 would be a day without bars
        raise ValueError(_told(body))
    if rows is None:
        return []
    if not isinstance(rows, list):
        raise TypeError
    return rows


def _told(body: object) -> str:
    """What an answer says instead of rows."""
    said = [body[name] for name in ("error", "message", "status") if isinstance(body.get(name), str)] if isinstance(body, Mapping) else []
    return str(said[0])[:200] if said else ""


def _rows_of(answer: Answer, *, ticker: str) -> list[Row]:
    """Those of an answer that names its ticker, which must be the one that was asked for."""
    rows = _rows(answer)
    if answer.body.get("ticker", ticker) != ticker:
        raise ValueError
    return rows


def _has_rows(answer: Answer) -> bool:
    return bool(answer.body.get("results"))


def _said_rows(answer: Answer) -> int | None:
    said = answer.body.get("resultsCount") if isinstance(answer.body, Mapping) else None
    return said if isinstance(said, int) else None


def _lacks(answer: Answer) -> str | None:
    """What is wrong with an answer that is no page of a listing."""
    try:
        if isinstance(answer.body["results"] if "/events" in answer.path else None, Mapping):
            return None
        rows, said = _rows(answer), _said_rows(answer)
    except (KeyError, TypeError, ValueError) as error:
        told = str(error) if type(error) is ValueError else ""
        return f"the answer has not the documented form{f' ({told})' if told else ''}"
    return f"the answer says that it has {said} rows, and has {len(rows)}" if said is not None and said != len(rows) else None


def _next_page(answer: Answer) -> str | None:
    """The path and query of the next page; a whole address where it is nobody's that is known, for the caller to refuse."""
    following = answer.body.get("next_url")
    if not isinstance(following, str) or not following:
        return None
    parts = urlsplit(following)
    return f"{parts.path}?{parts.query}" if parts.hostname in HOSTS else following


def _of_plan(error: VendorRefusedError, path: str) -> VendorRefusedError:
    if error.status != 403:
        return error
    told = error.reason.strip().rstrip(".") or "NOT_AUTHORIZED"
    return MassivePlanError(
        f"massive: the plan of this key does not include GET {path}, or not yet for the time that was asked for ({told}): choose a plan that has it ({_PRICING}), set "
        "massive.delivery to what the plan delivers (end_of_day, delayed), or leave out what asks for it",
        status=error.status,
        reason=error.reason,
    )
